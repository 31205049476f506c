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

export type ViewerState = Record<string, unknown>;

export interface ViewerHandle {
  readonly element: HTMLElement;
  state(): ViewerState;
  restore(state: ViewerState): void;
  // Called at most every 200 ms while the state changes.
  onState(listener: (state: ViewerState) => void): () => void;
  // Where the mouse is; null outside of the slices.
  under(): Position | null;
  onMove(listener: (position: Position | null) => void): () => void;
  onGesture(gesture: Gesture, listener: (position: Position) => void): () => void;
  centre(): Position;
  go(position: Position): void;
  // Show shapes as a layer of that name and colour, instead of those that it showed before.
  show(layer: string, color: string, shapes: readonly Shape[]): void;
  hide(layer: string): void;
  // Whether everything in view is loaded and drawn.
  isReady(): boolean;
  dispose(): void;

  // The selected segments of a segmentation, in the order of selection.
  segments(layer: string): string[];
  select(layer: string, segments: readonly string[]): void;
  // Colours of some segments, "#rrggbb"; the others have those that they get by themselves.
  colour(layer: string, colours: Readonly<Record<string, string>>): void;
}
