// How numbers of a match are written.
import type { Place } from "../../api/types";
import { datasets } from "../../session";
import { nmOf } from "./model";
import type { Match } from "./types";

export function voxels({ z, y, x }: Place): string {
  return `z ${z}  y ${y}  x ${x}`;
}

// Of the middle of a match's patch; a saved match has its voxel alone.
export function nanometres(match: Place & { dataset: string } & Partial<Match>): string {
  const dataset = datasets.value.find((one) => one.name === match.dataset);
  const { z_nm: z, y_nm: y, x_nm: x } = match;
  const nm =
    z !== undefined && y !== undefined && x !== undefined ? [z, y, x] : dataset ? nmOf(match, dataset) : null;
  return nm === null ? "" : `${nm.map((v) => String(Math.round(v * 10) / 10)).join(", ")} nm`;
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)} %`;
}

export function scored(score: number): string {
  return score.toFixed(3);
}
