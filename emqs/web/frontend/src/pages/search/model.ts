// What a search is made of, without the page: questions, addresses, undo, coordinates.
import type { Dataset, Place } from "../../api/types";
import type { ApiPlace, Embedding, Example, Filters, Kind, Match, Question, Region, SearchState } from "./types";

export const NO_FILTERS: Filters = {
  datasets: [], region: null, distance_nm: null, inside: [], outside: [], segmentation: null, exact: false, k: 48,
};
export const EMPTY: SearchState = { positives: [], negatives: [], filters: NO_FILTERS };
export const PAGE_SIZES = [24, 48, 96, 192] as const;

export function keyOf(place: Place & { dataset: string }): string {
  return `${place.dataset}/${place.z}/${place.y}/${place.x}`;
}

export function other(kind: Kind): Kind {
  return kind === "positives" ? "negatives" : "positives";
}

// An example is of one kind only; the last word counts.
export function withExample(state: SearchState, kind: Kind, example: Example): SearchState {
  const key = keyOf(example);
  const rest = (examples: Example[]) => examples.filter((one) => keyOf(one) !== key);
  if (state[kind].some((one) => keyOf(one) === key)) return state;
  return { ...state, [kind]: [...state[kind], example], [other(kind)]: rest(state[other(kind)]) };
}

export function withoutExample(state: SearchState, kind: Kind, example: Example): SearchState {
  return { ...state, [kind]: state[kind].filter((one) => keyOf(one) !== keyOf(example)) };
}

// The voxel that a continuous position lies in, or null outside of the volume.
export function voxelAt(at: Place, shape: readonly number[]): Place | null {
  const voxel = { z: Math.floor(at.z), y: Math.floor(at.y), x: Math.floor(at.x) };
  const inside = [voxel.z, voxel.y, voxel.x].every((v, axis) => v >= 0 && v < (shape[axis] ?? 0));
  return inside ? voxel : null;
}

function toApi({ z, y, x, dataset }: Example, current: string): ApiPlace {
  return dataset === current ? { z, y, x } : { z, y, x, dataset };
}

export function examplesOf(places: readonly ApiPlace[] | undefined, current: string): Example[] {
  return (places ?? [])
    .filter((place) => place.z !== undefined && place.y !== undefined && place.x !== undefined)
    .map(({ z, y, x, dataset }) => ({ z, y, x, dataset: dataset ?? current }) as Example);
}

// What is asked of the server when a dataset is open.
export function questionOf(state: SearchState, current: string): Question {
  const { filters } = state;
  const searched = filters.datasets.length > 0 ? filters.datasets : [current];
  const named = new Set([...searched, ...state.positives.map((one) => one.dataset), ...state.negatives.map((one) => one.dataset)]);
  const datasets = [...named].filter((name) => name !== current);
  const all = datasets.length + 1;
  return {
    positives: state.positives.map((one) => toApi(one, current)),
    negatives: state.negatives.map((one) => toApi(one, current)),
    ...(datasets.length > 0 && { datasets }),
    ...(searched.length < all && { only: searched }),
    ...(filters.region !== null && { region_nm: filters.region }),
    ...(filters.inside.length > 0 && { inside: filters.inside }),
    ...(filters.outside.length > 0 && { outside: filters.outside }),
    ...((filters.inside.length > 0 || filters.outside.length > 0) &&
      filters.segmentation !== null && { segmentation: filters.segmentation }),
    ...(filters.exact && { exact: true }),
    ...(filters.distance_nm !== null && { distance_nm: filters.distance_nm }),
    k: filters.k,
  };
}

// The other way round: the state that asks a question.
export function stateOf(question: Question, current: string): SearchState {
  const searched = question.only?.length ? question.only : [current, ...(question.datasets ?? [])];
  const alone = searched.length === 1 && searched[0] === current;
  return {
    positives: examplesOf(question.positives, current),
    negatives: examplesOf(question.negatives, current),
    filters: {
      datasets: alone ? [] : [...searched],
      region: question.region_nm ?? null,
      distance_nm: question.distance_nm ?? null,
      inside: (question.inside ?? []).map(String),
      outside: (question.outside ?? []).map(String),
      segmentation: question.segmentation ?? null,
      exact: question.exact ?? false,
      k: question.k ?? NO_FILTERS.k,
    },
  };
}

// Whether two questions have the same answer; pages may differ.
export function sameQuestion(a: Question, b: Question): boolean {
  const whole = (question: Question) => JSON.stringify(stateOf({ ...question, k: 1 }, ""));
  return whole(a) === whole(b);
}

// The middle of the patch of the grid that stands for a voxel, as the server chooses it.
export function patchOf(place: Place, embedding: Embedding): Place {
  const half = [embedding.above, (embedding.patch - 1) / 2, (embedding.patch - 1) / 2];
  const middle = [0, Math.floor(embedding.patch / 2), Math.floor(embedding.patch / 2)];
  const [z, y, x] = [place.z, place.y, place.x].map((v, axis) => {
    const step = embedding.stride[axis] ?? 1;
    const index = Math.min(Math.max(halfToEven((v - (half[axis] ?? 0)) / step), 0), (embedding.grid[axis] ?? 1) - 1);
    return index * step + (axis === 0 ? embedding.above : 0) + (middle[axis] ?? 0);
  });
  return { z: z ?? 0, y: y ?? 0, x: x ?? 0 };
}

function halfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

type Geometry = Pick<Dataset, "voxel_size_nm"> & { origin_nm?: readonly number[] };

// The middle of a voxel in nm.
export function nmOf(place: Place, dataset: Geometry): [number, number, number] {
  const origin = dataset.origin_nm ?? [0, 0, 0];
  const [z, y, x] = [place.z, place.y, place.x].map(
    (v, axis) => v * (dataset.voxel_size_nm[axis] ?? 1) + (origin[axis] ?? 0),
  );
  return [z ?? 0, y ?? 0, x ?? 0];
}

// The middles of the first and the last voxel, in nm.
export function extentOf(dataset: Geometry & { shape: readonly number[] }): Region {
  const [z, y, x] = dataset.shape;
  return {
    start: nmOf({ z: 0, y: 0, x: 0 }, dataset),
    stop: nmOf({ z: (z ?? 1) - 1, y: (y ?? 1) - 1, x: (x ?? 1) - 1 }, dataset),
  };
}

interface Range {
  z: number | null;
  y: number | null;
  x: number | null;
}

// A region in nm of what a viewer shows, whole along axes that it does not; null: all of the volume.
export function regionInView(
  view: { start: Range; stop: Range },
  dataset: Geometry & { shape: readonly number[] },
): Region | null {
  const extent = extentOf(dataset);
  const origin = dataset.origin_nm ?? [0, 0, 0];
  const names = ["z", "y", "x"] as const;
  const corner = (side: "start" | "stop") =>
    names.map((name, axis) => {
      const at = view[side][name];
      const edge = extent[side][axis] ?? 0;
      if (at === null) return edge;
      // voxel i spans i to i + 1, and its middle is where its nm are
      const nm = (at - 0.5) * (dataset.voxel_size_nm[axis] ?? 1) + (origin[axis] ?? 0);
      return side === "start" ? Math.max(edge, nm) : Math.min(edge, nm);
    }) as [number, number, number];
  const region = { start: corner("start"), stop: corner("stop") };
  return JSON.stringify(region) === JSON.stringify(extent) ? null : region;
}

export function segmentsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((part) => /^\d+$/.test(part)))];
}

// A table of matches; the server says where each is, so that all tables say it alike.
export function csvOf(matches: readonly Match[]): string {
  const placed = Object.keys(matches[0]?.placed ?? {});
  const names = ["rank", "dataset", ...placed, "hamming", "score", "probability"];
  const rows = matches.map(({ rank, dataset, hamming, score, probability, placed: where }) =>
    [rank, dataset, ...placed.map((name) => where?.[name]), hamming, score, probability].map((v) => String(v ?? "")).join(","),
  );
  return [names.join(","), ...rows].join("\r\n") + "\r\n";
}
