// Sizes and pictures of datasets and places, as pages show them.
import { url } from "../../api/client";
import { dataset as path } from "../../api/client";
import type { Dataset } from "../../api/types";
import { language } from "../../i18n";

type Triple = readonly [number, number, number]; // Z Y X

export function number(value: number, digits = 1): string {
  return value.toLocaleString(language.value, { maximumFractionDigits: digits });
}

export function triple(values: Triple, digits = 0, join = " × "): string {
  return values.map((value) => number(value, digits)).join(join);
}

// A length in nm, in the unit that makes it short.
export function length(nm: number): string {
  if (nm >= 1e6) return `${number(nm / 1e6, 2)} mm`;
  return nm >= 1e3 ? `${number(nm / 1e3, 1)} µm` : `${number(nm, 1)} nm`;
}

// Where a place lies in nm: the centre of the first voxel lies at 0.
export function inNm(place: Triple, voxel: Triple): [number, number, number] {
  return [(place[0] - 0.5) * voxel[0], (place[1] - 0.5) * voxel[1], (place[2] - 0.5) * voxel[2]];
}

const MOST_VOXELS_PER_PIXEL = 8; // what a volume without coarse levels shows quickly

// The address of a picture of the middle slice: all of it, unless it is very large.
export function overview(dataset: Dataset, width: number, height: number): string {
  const [, ny, nx] = dataset.shape;
  const [, dy, dx] = dataset.voxel_size_nm;
  const [z, y, x] = dataset.shape.map((n) => Math.floor(n / 2));
  const fit = Math.max((ny * dy) / height, (nx * dx) / width);
  const nm = Math.max(Math.min(dx, dy) / 4, Math.min(fit, MOST_VOXELS_PER_PIXEL * Math.min(dx, dy)));
  return url(`${path(dataset.name)}/snapshot`, { z, y, x, width, height, nm_per_pixel: nm, scale_bar: true });
}

// The address of a picture around a place.
export function snapshot(dataset: string, place: Triple, size: number): string {
  const [z, y, x] = place.map(Math.floor);
  return url(`${path(dataset)}/snapshot`, { z, y, x, width: size, height: size });
}
