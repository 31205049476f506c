// The grids of patches of datasets, asked for once.
import { signal } from "@preact/signals";
import { dataset as path, request, ROOT } from "../../api/client";
import type { Place } from "../../api/types";
import { datasets } from "../../session";
import type { Embedding } from "./types";

export const embeddings = signal<Readonly<Record<string, Embedding>>>({});
const asked = new Set<string>();

export function askFor(name: string): void {
  if (asked.has(name) || !datasets.value.some((one) => one.name === name && one.searchable)) return;
  asked.add(name);
  request<Embedding>(`${path(name)}/search`)
    .then((embedding) => {
      embeddings.value = { ...embeddings.value, [name]: embedding };
    })
    .catch(() => asked.delete(name)); // the search itself tells what is wrong
}

const MOST_PIXELS = 192;
const UNKNOWN = 96; // pixels, until the edge of a patch is known

// The address of a picture of the patch around a voxel: what is compared, and no more.
export function pictureOf(place: Place & { dataset: string }): string {
  const embedding = embeddings.value[place.dataset];
  const edge = embedding?.patch ?? UNKNOWN;
  const pixels = Math.min(edge, MOST_PIXELS);
  const { z, y, x } = place;
  const query = new URLSearchParams({ z: `${z}`, y: `${y}`, x: `${x}`, width: `${pixels}`, height: `${pixels}` });
  if (embedding !== undefined && pixels < edge) {
    query.set("nm_per_pixel", `${(edge * embedding.voxel_size_nm[2]) / pixels}`);
  }
  return `${ROOT}${path(place.dataset)}/snapshot?${query.toString()}`;
}
