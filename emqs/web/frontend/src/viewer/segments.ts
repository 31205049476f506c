// Selected segments of a segmentation, and groups of segments that are shown as one.
import type { Segmenting } from "./types";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- untyped parts of neuroglancer
type Untyped = any;

export function segmenting(viewer: Untyped): Segmenting {
  function group(name: string): Untyped {
    return viewer.layerManager.getLayerByName(name)?.layer?.displayState?.segmentationGroupState?.value;
  }
  return {
    segments(name) {
      const chosen = group(name); // the selected ones have an order, the visible ones have none
      const selected: bigint[] = chosen === undefined ? [] : [...chosen.selectedSegments];
      return selected.filter((one) => chosen.visibleSegments.has(one)).map(String);
    },
    select(name, segments) {
      const chosen = group(name);
      if (chosen === undefined) return;
      const numbers = segments.map(BigInt);
      chosen.selectedSegments.clear();
      chosen.selectedSegments.add(numbers);
      chosen.visibleSegments.add(numbers);
    },
    onSegments(name, listener) {
      const remove = group(name)?.visibleSegments.changed.add(listener);
      return () => remove?.();
    },
    fade(name, opacity) {
      const state = viewer.layerManager.getLayerByName(name)?.layer?.displayState;
      if (state?.notSelectedAlpha !== undefined) state.notSelectedAlpha.value = opacity;
    },
    equate(name, groups) {
      const table = group(name)?.segmentEquivalences;
      if (table === undefined) return;
      table.clear();
      for (const members of groups) table.linkAll(members.map(BigInt));
    },
    colour(name, colours) {
      const managed = viewer.layerManager.getLayerByName(name);
      const table = managed?.layer?.displayState?.segmentationColorGroupState?.value?.segmentStatedColors;
      if (table === undefined) return;
      table.clear();
      for (const [segment, colour] of Object.entries(colours)) {
        const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
        table.set(BigInt(segment), BigInt(red + green * 2 ** 8 + blue * 2 ** 16));
      }
    },
  };
}
