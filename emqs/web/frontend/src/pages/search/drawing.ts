// Examples and matches as shapes in the viewer: each kind has a colour and a sign of its own.
import type { Place } from "../../api/types";
import type { Position, Shape, ViewerHandle } from "../../viewer/types";
import { keyOf } from "./model";
import type { Example, Match, Region } from "./types";

export const COLOURS = { positives: "#009e73", negatives: "#d55e00", matches: "#56b4e9", region: "#e69f00", highlight: "#f0e442" };

function middle({ z, y, x }: Place): Position {
  return { z: z + 0.5, y: y + 0.5, x: x + 0.5 };
}

function moved(at: Position, x: number, y: number): Position {
  return { z: at.z, y: at.y + y, x: at.x + x };
}

// A plus or a cross of two lines, so that nobody needs the colour.
function sign(example: Example, arm: number, crossed: boolean): Shape[] {
  const at = middle(example);
  const text = crossed ? "negative" : "positive";
  const ends: [number, number][] = crossed ? [[arm * 0.7, arm * 0.7], [arm * 0.7, -arm * 0.7]] : [[arm, 0], [0, arm]];
  return ends.map(([x, y], number) => ({
    kind: "line", id: `${keyOf(example)}/${number}`, from: moved(at, -x, -y), to: moved(at, x, y), text,
  }));
}

export function examplesAs(examples: readonly Example[], dataset: string, edge: number, crossed: boolean): Shape[] {
  return examples.filter((one) => one.dataset === dataset).flatMap((one) => sign(one, edge / 4, crossed));
}

export function matchesAs(matches: readonly Match[], dataset: string): Shape[] {
  return matches
    .filter((one) => one.dataset === dataset)
    .map((one) => ({ kind: "point", id: keyOf(one), at: middle(one), text: `${one.rank}` }));
}

// The patch around a match.
export function patchAs(match: Match, dataset: string, edge: number): Shape[] {
  if (match.dataset !== dataset) return [];
  const { z, y, x } = match;
  const half = Math.floor(edge / 2);
  const from = { z, y: y - half, x: x - half };
  return [{ kind: "box", id: "patch", from, to: { z: z + 1, y: from.y + edge, x: from.x + edge } }];
}

export function regionAs(region: Region | null, voxel_nm: readonly number[], origin_nm: readonly number[]): Shape[] {
  if (region === null) return [];
  const corner = (nm: readonly number[]) => {
    const [z, y, x] = nm.map((v, axis) => (v - (origin_nm[axis] ?? 0)) / (voxel_nm[axis] ?? 1) + 0.5);
    return { z: z ?? 0, y: y ?? 0, x: x ?? 0 };
  };
  return [{ kind: "box", id: "region", from: corner(region.start), to: corner(region.stop) }];
}

export function draw(viewer: ViewerHandle, layer: string, color: string, shapes: Shape[]): void {
  if (shapes.length > 0) viewer.show(layer, color, shapes);
  else viewer.hide(layer);
}
