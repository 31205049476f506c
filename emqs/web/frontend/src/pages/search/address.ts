// A search as it stands in the address, so that a reload and a link show the same.
import { NO_FILTERS } from "./model";
import type { Example, Filters, Mark, Region, SearchState } from "./types";

export interface Kept {
  state: SearchState;
  shown: number; // matches that are on the page; 0: it was not searched
  saved: string | null; // the saved search that is open
  marks: Record<string, Mark>;
}

type Short = [number, number, number] | [number, number, number, string];

function short({ z, y, x, dataset }: Example, current: string): Short {
  return dataset === current ? [z, y, x] : [z, y, x, dataset];
}

export function toAddress({ state, shown, saved, marks }: Kept, current: string): unknown {
  const { filters } = state;
  const changed = Object.fromEntries(
    Object.entries(filters).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(NO_FILTERS[name as keyof Filters]),
    ),
  );
  const kept = {
    ...(state.positives.length > 0 && { p: state.positives.map((one) => short(one, current)) }),
    ...(state.negatives.length > 0 && { n: state.negatives.map((one) => short(one, current)) }),
    ...(Object.keys(changed).length > 0 && { f: changed }),
    ...(shown > 0 && { shown }),
    ...(saved !== null && { saved }),
    ...(Object.keys(marks).length > 0 && { m: marks }),
  };
  return Object.keys(kept).length > 0 ? kept : undefined;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

function examples(value: unknown, current: string): Example[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (!Array.isArray(one) || !one.slice(0, 3).every((v) => Number.isInteger(v) && v >= 0) || one.length < 3) return [];
    const [z, y, x, dataset] = one as Short;
    return [{ z, y, x, dataset: typeof dataset === "string" ? dataset : current }];
  });
}

function corner(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(isNumber);
}

function region(value: unknown): Region | null {
  const given = value as Partial<Region> | null;
  return corner(given?.start) && corner(given?.stop) ? { start: given.start, stop: given.stop } : null;
}

function filters(value: unknown): Filters {
  const given = (typeof value === "object" && value !== null ? value : {}) as Partial<Record<keyof Filters, unknown>>;
  return {
    datasets: texts(given.datasets),
    region: region(given.region),
    distance_nm: isNumber(given.distance_nm) && given.distance_nm >= 0 ? given.distance_nm : null,
    inside: texts(given.inside),
    outside: texts(given.outside),
    segmentation: typeof given.segmentation === "string" ? given.segmentation : null,
    exact: given.exact === true,
    k: isNumber(given.k) && given.k >= 1 && given.k <= 1000 ? Math.floor(given.k) : NO_FILTERS.k,
  };
}

// Whatever somebody typed into an address, the result is a search; what makes no sense is left out.
export function fromAddress(value: unknown, current: string): Kept | null {
  if (typeof value !== "object" || value === null) return null;
  const given = value as Record<string, unknown>;
  const marks = Object.entries((given.m ?? {}) as Record<string, unknown>).filter(
    (entry): entry is [string, Mark] => entry[1] === "right" || entry[1] === "wrong",
  );
  return {
    state: { positives: examples(given.p, current), negatives: examples(given.n, current), filters: filters(given.f) },
    shown: isNumber(given.shown) && given.shown > 0 ? Math.min(1000, Math.floor(given.shown)) : 0,
    saved: typeof given.saved === "string" ? given.saved : null,
    marks: Object.fromEntries(marks),
  };
}
