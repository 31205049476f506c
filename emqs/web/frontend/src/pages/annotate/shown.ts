// Annotations in the viewer: cells of all of them from the server, one layer for each owner; above them
// the newest with what is being drawn, and the one that is looked at, as local layers.
import { effect, signal, untracked } from "@preact/signals";
import { dataset as pathOf, ROOT } from "../../api/client";
import { t } from "../../i18n";
import type { Shape, ViewerHandle } from "../../viewer/types";
import { COLOURS, KINDS, OWN, colourOfOwner, drawn, type Row } from "./model";
import type { Store } from "./store";

const QUIET_MS = 1500; // after an edit, until the cells are loaded anew
const CHOSEN = "#ff5fa2";
// Of each kind the viewer draws at most about one in a square of so many pixels, a sample of those in view:
// computers without a graphics card draw no more in time, and more would hide the slice.
const SPACING_PX = 32;

function rgb(colour: string): string {
  const parts = [1, 3, 5].map((i) => (parseInt(colour.slice(i, i + 2), 16) / 255).toFixed(3));
  return `vec3(${parts.join(", ")})`;
}

// A program for the graphics card: own annotations by class, others' by owner.
export function shader(classes: readonly string[], colour: string, byClass: boolean): string {
  const cases = classes.map(
    (_, i) => `  if (c == ${i + 1}u) colour = ${rgb(COLOURS[i % COLOURS.length] as string)};`,
  );
  return [
    "void main() {",
    `  vec3 colour = ${rgb(colour)};`,
    ...(byClass ? ["  uint c = uint(prop_colour_class());", ...cases] : []),
    "  setColor(colour);",
    "  setPointMarkerSize(7.0);",
    "  setPointMarkerBorderWidth(1.0);",
    "  setLineWidth(2.0);",
    "  setEndpointMarkerSize(6.0);",
    "}",
  ].join("\n");
}

export function layerName(owner: string, mine: string): string {
  return owner === mine ? t("annotate.layer_own") : t("annotate.layer_of", { name: owner });
}

const tab = "annotations"; // of neuroglancer's own panel

// Show the annotations of a store in a viewer until the returned function is called.
export function showAll(store: Store, viewer: ViewerHandle): () => void {
  const version = signal(0); // that the cells are of
  const names = store.layers;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = [
    effect(() => {
      const now = store.change.value;
      clearTimeout(timer);
      timer = setTimeout(() => (version.value = now), version.peek() === 0 ? 0 : QUIET_MS);
    }),
    effect(() => {
      if (version.value === 0) return;
      const shown = store.shownOwners.value;
      const classes = store.classes.value;
      const owners = untracked(() => store.owners.value);
      const gone = new Set(names);
      for (const owner of shown) {
        const name = layerName(owner, store.mine);
        const own = owner === store.mine;
        const colour = own ? OWN : colourOfOwner(owner, owners);
        const base = `${location.origin}${ROOT}${pathOf(store.dataset.name)}/annotations/ng`;
        const query = new URLSearchParams({ classes: classes.join(",") });
        viewer.overlay(name, {
          type: "annotation",
          source: KINDS.map((kind) => ({
            url: `${base}/${own ? "mine" : `by-${owner}`}/${kind}/${version.value}/?${query}|neuroglancer-precomputed:`,
          })),
          shader: shader(classes, colour, own),
          crossSectionAnnotationSpacing: SPACING_PX,
          projectionAnnotationSpacing: SPACING_PX,
          tab,
        });
        names.add(name);
        gone.delete(name);
      }
      for (const name of gone) {
        viewer.uncover(name);
        names.delete(name);
      }
    }),
    effect(() => {
      // the layer stays when it is empty: one that comes and goes would move the view under the mouse
      const shapes = store.newest.value.map((one) => shape(one, store));
      viewer.show(t("annotate.layer_newest"), OWN, [...shapes, ...store.sketch.value]);
    }),
    effect(() => {
      // what the cells show is no longer of the newest
      const now = version.value;
      const waits = setInterval(() => {
        if (!viewer.isReady()) return;
        clearInterval(waits);
        const still = store.newest.peek().filter((one) => one.change > now);
        if (still.length !== store.newest.peek().length) store.newest.value = still;
      }, 300);
      return () => clearInterval(waits);
    }),
  ];
  return () => {
    clearTimeout(timer);
    for (const one of stop) one();
    for (const name of names) viewer.uncover(name);
    viewer.hide(t("annotate.layer_newest"));
    viewer.hide(t("annotate.layer_chosen"));
  };
}

function shape(one: Row, store: Store): Shape {
  return drawn(one, one.id, store.size, one.title);
}

// Mark the annotation that is looked at.
export function showChosen(store: Store, viewer: ViewerHandle, one: Row | null): void {
  viewer.show(t("annotate.layer_chosen"), CHOSEN, one === null ? [] : [shape(one, store)]);
}
