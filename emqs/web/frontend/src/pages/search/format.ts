// How numbers of a match are written.
import type { Place } from "../../api/types";
import { datasets } from "../../session";
import { embeddings } from "./embeddings";
import { nmOf } from "./model";
import type { Match } from "./types";

export function voxels({ z, y, x }: Place): string {
  return `z ${z}  y ${y}  x ${x}`;
}

// The middle of a match's patch, as tables say it: of an even edge half a voxel before the voxel that
// stands for it. A match that was kept before these were says its voxel alone.
export function centreOf(match: Place & { dataset: string } & Partial<Match>): Place {
  const { z, y, x } = match.placed ?? {};
  if (z !== undefined && y !== undefined && x !== undefined) return { z, y, x };
  const edge = embeddings.value[match.dataset]?.patch ?? 1;
  const shift = (edge - 1) / 2 - Math.floor(edge / 2);
  return { z: match.z, y: match.y + shift, x: match.x + shift };
}

export function nanometres(match: Place & { dataset: string } & Partial<Match>): string {
  const dataset = datasets.value.find((one) => one.name === match.dataset);
  if (dataset === undefined) return "";
  return `${nmOf(centreOf(match), dataset).map((v) => String(Math.round(v * 10) / 10)).join(", ")} nm`;
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(0)} %`;
}

export function scored(score: number): string {
  return score.toFixed(3);
}
