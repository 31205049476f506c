// How numbers of a match are written.
import type { Dataset, Place } from "../../api/types";
import { datasets } from "../../session";
import { embeddings } from "./embeddings";
import { nmOf } from "./model";
import type { Match } from "./types";

export function voxels({ z, y, x }: Place): string {
  return `z ${z}  y ${y}  x ${x}`;
}

// The middle of a patch of an even edge lies half a voxel before the voxel that stands for it.
function middleOf(match: Place & { dataset: string }, dataset: Dataset): [number, number, number] {
  const edge = embeddings.value[match.dataset]?.patch ?? 1;
  const shift = (edge - 1) / 2 - Math.floor(edge / 2);
  return nmOf({ z: match.z, y: match.y + shift, x: match.x + shift }, dataset);
}

// Of the middle of a match's patch; a saved match has its voxel alone.
export function nanometres(match: Place & { dataset: string } & Partial<Match>): string {
  const dataset = datasets.value.find((one) => one.name === match.dataset);
  const { z_nm: z, y_nm: y, x_nm: x } = match;
  const nm =
    z !== undefined && y !== undefined && x !== undefined ? [z, y, x] : dataset ? middleOf(match, dataset) : null;
  return nm === null ? "" : `${nm.map((v) => String(Math.round(v * 10) / 10)).join(", ")} nm`;
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)} %`;
}

export function scored(score: number): string {
  return score.toFixed(3);
}
