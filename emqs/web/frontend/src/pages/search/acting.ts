// Between the panel and the viewer: where a click points, and how one gets to a place.
import type { Dataset, Place } from "../../api/types";
import { address, go } from "../../router";
import { viewer } from "../../viewer/Viewer";
import type { Position } from "../../viewer/types";
import { voxelAt } from "./model";
import { current, pendingPlace } from "./store";
import type { Example } from "./types";

export function exampleAt(at: Position, dataset: Dataset): Example | null {
  const voxel = voxelAt(at, dataset.shape);
  return voxel === null ? null : { ...voxel, dataset: dataset.name };
}

// The voxel under the mouse if it is over the viewer and that is asked for, else that in the middle.
export function pointAt(dataset: Dataset, under: boolean): Example | null {
  const handle = viewer.value;
  if (handle === null) return null;
  const over = under && handle.element.matches(":hover");
  return exampleAt((over ? handle.under() : null) ?? handle.centre(), dataset);
}

// Show a place; one of another dataset opens that.
export function goTo(place: Place & { dataset: string }): void {
  if (place.dataset !== current.value) {
    pendingPlace.value = place;
    go(address("d", place.dataset, "search"));
    return;
  }
  viewer.value?.go({ z: place.z + 0.5, y: place.y + 0.5, x: place.x + 0.5 });
}
