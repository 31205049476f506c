// The state of the viewer as it stands in the address: without what the server knows already.
import type { Dataset } from "../api/types";
import type { ViewerState } from "./types";

interface LayerState {
  name: string;
  source?: unknown;
  [key: string]: unknown;
}

function layers(state: ViewerState): LayerState[] {
  return Array.isArray(state.layers) ? (state.layers as LayerState[]) : [];
}

// Return a state without the axes, and without the sources of layers that the dataset has.
export function compact(state: ViewerState, normal: ViewerState): ViewerState {
  const known = new Set(layers(normal).map((layer) => layer.name));
  const { dimensions: _, ...rest } = state;
  return {
    ...rest,
    layers: layers(state).map((layer) => {
      if (!known.has(layer.name)) return layer;
      const { source: __, ...kept } = layer;
      return kept;
    }),
  };
}

// Return a whole state; a layer that the dataset has no longer is left out, a new one is added.
export function expanded(kept: unknown, normal: ViewerState): ViewerState {
  if (typeof kept !== "object" || kept === null) return normal;
  const given = kept as ViewerState;
  const known = new Map(layers(normal).map((layer) => [layer.name, layer]));
  const shown: LayerState[] = [];
  for (const layer of layers(given)) {
    const original = known.get(layer.name);
    if (original !== undefined) shown.push({ ...original, ...layer, source: original.source });
    else if (layer.source !== undefined) shown.push(layer);
    known.delete(layer.name);
  }
  return { ...given, dimensions: normal.dimensions, layers: [...shown, ...known.values()] };
}

const MARGIN = 1.04; // around a volume that fits
const ROWS = 30; // pixels of the viewer that are no slice

// Return the state that a dataset is first shown in: all of a slice, and no segments, which would hide it.
export function fitted(
  normal: ViewerState,
  dataset: Dataset,
  size: { clientWidth: number; clientHeight: number },
): ViewerState {
  const [height, width] = [1, 2].map((axis) => (dataset.shape[axis] ?? 1) * (dataset.voxel_size_nm[axis] ?? 1));
  const smallest = Math.min(...dataset.voxel_size_nm);
  const pixels = [Math.max(100, size.clientHeight - ROWS), Math.max(100, size.clientWidth)] as const;
  const scale = (MARGIN * Math.max((height ?? 1) / pixels[0], (width ?? 1) / pixels[1])) / smallest;
  const lengths = dataset.shape.map((length, axis) => (length * (dataset.voxel_size_nm[axis] ?? 1)) / smallest);
  const hidden = layers(normal).map((layer) => (layer.type === "segmentation" ? { ...layer, visible: false } : layer));
  return { crossSectionScale: scale, projectionScale: 1.3 * Math.max(...lengths), ...normal, layers: hidden };
}
