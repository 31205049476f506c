// What an annotation is, and its geometry. Points are Z Y X in voxels, as the server has them.
import type { Position, Shape } from "../../viewer/types";

export const KINDS = ["point", "line", "sphere", "box"] as const;
export type Kind = (typeof KINDS)[number];
export type Triple = readonly [number, number, number]; // Z Y X

export interface Fields {
  kind: Kind;
  points: Triple[];
  radius_nm: number | null;
  title: string;
  description: string;
  tags: string[];
  colour_class: string;
}

export interface Annotation extends Fields {
  id: string;
  number: number;
  owner_id: string;
  atlas_state: string;
  revision: number;
  change: number;
  created: string;
  changed: string;
  deleted: string | null;
}

// An annotation and its owner's name.
export interface Row extends Annotation {
  owner: string;
}

// Colours that everybody can tell apart; a class is always named, too.
export const COLOURS = ["#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#999999"];
export const OWN = "#e69f00";
export const CLASSES = [
  "synapse", "mitochondrion", "vesicles", "nucleus", "membrane", "artefact", "question",
] as const;

export function colourOf(name: string, classes: readonly string[]): string {
  const place = classes.indexOf(name);
  return place < 0 ? OWN : (COLOURS[place % COLOURS.length] as string);
}

// Others' colours begin elsewhere in the list than those of classes.
export function colourOfOwner(name: string, owners: readonly string[]): string {
  return COLOURS[(owners.indexOf(name) + 3) % COLOURS.length] as string;
}

// Voxels, to a hundredth: what a mouse points at is no finer.
export function triple({ z, y, x }: Position): Triple {
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return [rounded(z), rounded(y), rounded(x)];
}

const SAME = 1e-3; // voxels: the viewer counts in float32

// Where something is placed: across a slice, and at the crosshair, in the middle of the voxel, since a
// slice shows a whole voxel whatever its fraction of the position is.
export function placed(at: Position, centre: Position): Position {
  const settled = (value: number, here: number) => 
    Math.abs(value - here) < SAME ? Math.floor(here) + 0.5 : value;
  return { z: settled(at.z, centre.z), y: settled(at.y, centre.y), x: settled(at.x, centre.x) };
}

export function position([z, y, x]: Triple): Position {
  return { z, y, x };
}

export function middle(points: readonly Triple[]): Position {
  const first = points[0] as Triple;
  const last = points[points.length - 1] as Triple;
  return position([0, 1, 2].map((i) => ((first[i] as number) + (last[i] as number)) / 2) as unknown as Triple);
}

export function distanceNm(from: Triple, to: Triple, size: Triple): number {
  return Math.hypot(...from.map((value, i) => ((to[i] as number) - value) * (size[i] as number)));
}

// Nm as the volume counts them: the centre of the first voxel lies at 0.
export function inNm(point: Triple, size: Triple): Triple {
  return point.map((value, i) => (value - 0.5) * (size[i] as number)) as unknown as Triple;
}

// What two clicks (one for a point) come to. A box holds the voxels of both; a sphere's diameter
// goes from one to the other.
export function shaped(
  kind: Kind, from: Triple, to: Triple, size: Triple,
): Pick<Fields, "kind" | "points" | "radius_nm"> | null {
  if (kind === "point") return { kind, points: [to], radius_nm: null };
  const long = distanceNm(from, to, size);
  if (kind === "box") {
    const low = from.map((value, i) => Math.floor(Math.min(value, to[i] as number)));
    const high = from.map((value, i) => Math.floor(Math.max(value, to[i] as number)) + 1);
    return { kind, points: [low, high] as unknown as Triple[], radius_nm: null };
  }
  if (long === 0) return null;
  if (kind === "line") return { kind, points: [from, to], radius_nm: null };
  const { z, y, x } = middle([from, to]);
  return { kind, points: [[z, y, x]], radius_nm: long / 2 };
}

// How large: nothing for a point, a length, a diameter, or edges along Z Y X; in nm.
export function measured(one: Pick<Fields, "kind" | "points" | "radius_nm">, size: Triple): number[] {
  const [from, to] = one.points as [Triple, Triple];
  if (one.kind === "line") return [distanceNm(from, to, size)];
  if (one.kind === "sphere") return [2 * (one.radius_nm ?? 0)];
  if (one.kind === "box") return from.map((value, i) => ((to[i] as number) - value) * (size[i] as number));
  return [];
}

// As the viewer draws it.
export function drawn(
  one: Pick<Fields, "kind" | "points" | "radius_nm">, id: string, size: Triple, text?: string,
): Shape {
  const from = position(one.points[0] as Triple);
  const to = position((one.points[1] ?? one.points[0]) as Triple);
  switch (one.kind) {
    case "point":
      return { kind: "point", id, at: from, text };
    case "line":
      return { kind: "line", id, from, to, text };
    case "box":
      return { kind: "box", id, from, to, text };
    case "sphere": {
      const [z, y, x] = size.map((edge) => (one.radius_nm ?? 0) / edge) as unknown as Triple;
      return { kind: "sphere", id, at: from, radii: { z, y, x }, text };
    }
  }
}
