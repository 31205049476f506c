// Drawing with clicks or with the crosshair: which tool, where it began, and what it comes to.
import { computed, signal } from "@preact/signals";
import type { Position } from "../../viewer/types";
import { measured, shaped, triple, type Fields, type Kind, type Triple } from "./model";

export type Geometry = Pick<Fields, "kind" | "points" | "radius_nm">;

export function makeDrawing(size: Triple, finish: (geometry: Geometry) => void) {
  const tool = signal<Kind>("point");
  const first = signal<Triple | null>(null); // where something with two ends began
  const pointer = signal<Triple | null>(null); // where it would end now
  const preview = computed<Geometry | null>(() => {
    if (first.value === null || pointer.value === null) return null;
    return shaped(tool.value, first.value, pointer.value, size);
  });
  const lengths = computed(() => (preview.value === null ? [] : measured(preview.value, size)));

  function cancel(): void {
    first.value = null;
    pointer.value = null;
  }

  function choose(kind: Kind): void {
    cancel();
    tool.value = kind;
  }

  // The next end; a point has only one.
  function place(at: Position): void {
    const to = triple(at);
    if (tool.value !== "point" && first.value === null) {
      first.value = to;
      pointer.value = null;
      return;
    }
    const geometry = shaped(tool.value, first.value ?? to, to, size);
    if (geometry === null) return; // twice the same place: still to be ended
    cancel();
    finish(geometry);
  }

  function move(at: Position | null): void {
    if (first.value !== null && at !== null) pointer.value = triple(at);
  }

  return { tool, first, preview, lengths, cancel, choose, place, move };
}

export type Drawing = ReturnType<typeof makeDrawing>;
