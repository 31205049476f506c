// What pages know of the viewer. Places are continuous positions in voxels: voxel i spans i to i + 1.

export interface Position {
  z: number;
  y: number;
  x: number;
}

export type Shape =
  | { kind: "point"; id: string; at: Position; text?: string }
  | { kind: "line"; id: string; from: Position; to: Position; text?: string }
  | { kind: "box"; id: string; from: Position; to: Position; text?: string }
  | { kind: "sphere"; id: string; at: Position; radii: Position; text?: string }; // radii in voxels

export type Gesture = "positive" | "negative" | "annotate";

export const LAYOUTS = ["xy", "xz", "yz", "4panel", "3d"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

export interface ViewerLayer {
  name: string;
  kind: string; // image, segmentation, annotation
  visible: boolean;
  own: boolean; // made by show()
}

// From start to stop along each axis; null along an axis that no panel shows.
export interface InView {
  start: { z: number | null; y: number | null; x: number | null };
  stop: { z: number | null; y: number | null; x: number | null };
}

export type ViewerState = Record<string, unknown>;

export interface Overlaying {
  // Show a layer as neuroglancer describes it, which is no part of the state; new sources of one
  // that is shown are loaded into it.
  overlay(layer: string, description: Record<string, unknown>): void;
  uncover(layer: string): void;
  // Where such a layer is read from.
  overlaySources(layer: string): string[];
  // Set what the shader of such a layer lets one choose, without loading or adding anything.
  shade(layer: string, controls: Readonly<Record<string, number>>): void;
  // A click, with no key held down, on an annotation: the name of its layer, and its id.
  onPick(listener: (layer: string, id: string) => void): () => void;
  // Put a layer into the state, or take one out.
  addLayer(description: Record<string, unknown> & { name: string }): void;
  removeLayer(layer: string): void;
}

export interface Segmenting {
  // The segments of a segmentation that are selected and shown, in the order of selection.
  segments(layer: string): string[];
  select(layer: string, segments: readonly string[]): void;
  onSegments(layer: string, listener: () => void): () => void;
  // How much is seen of segments that are not selected, from 0 to 1.
  fade(layer: string, opacity: number): void;
  // Show groups of segments as one each.
  equate(layer: string, groups: readonly (readonly string[])[]): void;
  // Colours of some segments, "#rrggbb"; the others have those that they get by themselves.
  colour(layer: string, colours: Readonly<Record<string, string>>): void;
}

export interface ViewerHandle extends Overlaying, Segmenting {
  readonly element: HTMLElement;
  readonly dataset: string; // whose
  state(): ViewerState;
  restore(state: ViewerState): void;
  // Called at most every 400 ms while the state changes: browsers refuse more changes of the address.
  onState(listener: (state: ViewerState) => void): () => void;
  // Where the mouse is; null outside of the slices.
  under(): Position | null;
  onMove(listener: (position: Position | null) => void): () => void;
  onGesture(gesture: Gesture, listener: (position: Position) => void): () => void;
  centre(): Position;
  inView(): InView;
  isLaidOut(): boolean; // whether what is in view is known
  // Show the whole volume of a shape.
  fit(shape: Position): void;
  layout(): LayoutName | null;
  setLayout(name: LayoutName): void;
  layers(): ViewerLayer[];
  setVisible(layer: string, visible: boolean): void;
  // What the visible layers hold under the mouse, by their names: an intensity, a segment.
  values(): Record<string, string>;
  onValues(listener: () => void): () => void;
  // Open neuroglancer's panel of a layer: contrast, opacity.
  settings(layer: string): void;
  // Called when layers come, go, are shown or hidden, or the layout changes.
  onLayers(listener: () => void): () => void;
  // Ask again for what could not be loaded.
  reload(): void;
  help(): void;
  go(position: Position): void;
  // Show shapes as a layer of that name and colour, instead of those that it showed before.
  show(layer: string, color: string, shapes: readonly Shape[]): void;
  hide(layer: string): void;
  // Whether everything in view is loaded and drawn.
  isReady(): boolean;
  dispose(): void;
}
