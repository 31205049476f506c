// What a prediction is made of, without the page: which part, how it is drawn, the address, the table.
import type { Dataset, Place } from "../../api/types";
import shader from "../../../../probability.glsl?raw";
import type { InView, Position } from "../../viewer/types";
import type { Example } from "../search/types";

export type Triple = [number, number, number]; // Z Y X

export interface Part {
  start: Triple;
  stop: Triple;
}

export interface Thing {
  label: number;
  z: number; // a whole number is the middle of a voxel
  y: number;
  x: number;
  z_nm: number;
  y_nm: number;
  x_nm: number;
  z_first: number;
  y_first: number;
  x_first: number;
  z_last: number;
  y_last: number;
  x_last: number;
  n_voxels: number;
  volume_nm3: number;
  probability: number;
  touches_border: 0 | 1;
}

export interface Answer extends Part {
  id: string;
  objects: Thing[];
  suggestions: Place[];
}

export const OWN_THRESHOLD = 0.5; // of the server, until it says its own
const WITHOUT_VIEW = 512; // voxels along an axis that no panel shows

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

// The part of the slice in the middle that is in view, no more than so many voxels: then its middle.
export function partInView(view: InView, centre: Position, dataset: Pick<Dataset, "shape">, most: number): Part & { cut: boolean } {
  const [depth, height, width] = dataset.shape;
  const z = clamp(Math.floor(centre.z), 0, depth - 1);
  const range = (axis: "y" | "x", length: number): [number, number] => {
    const from = view.start[axis] ?? centre[axis] - WITHOUT_VIEW / 2;
    const to = view.stop[axis] ?? centre[axis] + WITHOUT_VIEW / 2;
    const first = clamp(Math.floor(from), 0, length - 1);
    return [first, clamp(Math.ceil(to), first + 1, length)];
  };
  const y = range("y", height);
  const x = range("x", width);
  let [rows, columns] = [y[1] - y[0], x[1] - x[0]];
  const cut = rows * columns > most;
  if (cut) {
    const edge = Math.floor(Math.sqrt(most));
    if (rows <= edge) columns = Math.floor(most / rows);
    else if (columns <= edge) rows = Math.floor(most / columns);
    else [rows, columns] = [edge, edge];
  }
  const top = y[0] + Math.floor((y[1] - y[0] - rows) / 2);
  const left = x[0] + Math.floor((x[1] - x[0] - columns) / 2);
  return { start: [z, top, left], stop: [z + 1, top + rows, left + columns], cut };
}

export function overlayOf(dataset: string, id: string, root: string): Record<string, unknown> {
  const url = `precomputed://${root}/datasets/${encodeURIComponent(dataset)}/predictions/${id}/precomputed`;
  return { type: "image", source: [{ url }], shader, opacity: 1, blend: "default", tab: "rendering" };
}

export function byVolume(objects: readonly Thing[]): Thing[] {
  return [...objects].sort((a, b) => b.volume_nm3 - a.volume_nm3 || a.label - b.label);
}

export function csvOf(objects: readonly Thing[]): string {
  const [first] = objects;
  if (first === undefined) return "label\r\n";
  const names = Object.keys(first) as (keyof Thing)[];
  return [names.join(","), ...objects.map((one) => names.map((name) => String(one[name])).join(","))].join("\r\n") + "\r\n";
}

export interface Kept {
  part: Part;
  threshold: number;
}

export function toAddress(kept: Kept | null): unknown {
  if (kept === null) return undefined;
  const { part, threshold } = kept;
  return { r: [...part.start, ...part.stop], ...(threshold !== OWN_THRESHOLD && { t: threshold }) };
}

// Whatever somebody typed into an address, the result can be asked for, or it is null.
export function fromAddress(value: unknown): Kept | null {
  if (typeof value !== "object" || value === null) return null;
  const { r, t } = value as { r?: unknown; t?: unknown };
  if (!Array.isArray(r) || r.length !== 6 || !r.every((v) => Number.isSafeInteger(v) && v >= 0)) return null;
  const [z, y, x, bottom, down, right] = r as [number, number, number, number, number, number];
  const threshold = typeof t === "number" && t > 0 && t < 1 ? t : OWN_THRESHOLD;
  return { part: { start: [z, y, x], stop: [bottom, down, right] }, threshold };
}

export function placesOf(examples: readonly Example[], dataset: string): Place[] {
  return examples.filter((one) => one.dataset === dataset).map(({ z, y, x }) => ({ z, y, x }));
}
