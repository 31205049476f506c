// Layers of pages that neuroglancer reads from the server, e.g. annotations by the million; they are
// no part of the state. And layers of the state that pages add or remove, and clicks on annotations.
import { makeLayer } from "neuroglancer/unstable/layer/index.js";
import { removeLayer, type Untyped } from "./annotations";
import type { Overlaying } from "./types";

type Description = Record<string, unknown>;

const STILL_PX = 4; // a mouse that moved farther between down and up has moved the view

function addresses(description: Description): string[] {
  return (description.source as Untyped[]).map((source) => source.url ?? source);
}

function withoutSource({ source: _, ...rest }: Description): string {
  return JSON.stringify(rest);
}

export class Overlays {
  private readonly shown = new Map<string, Description>();
  private readonly shades = new Map<string, Readonly<Record<string, number>>>();

  constructor(private readonly viewer: Untyped) {}

  has(name: string): boolean {
    return this.shown.has(name);
  }

  show(name: string, description: Description): void {
    const before = this.shown.get(name);
    this.shown.set(name, description);
    const managed = this.viewer.layerManager.getLayerByName(name);
    const sources: Untyped[] = managed?.layer?.dataSources ?? [];
    const urls = addresses(description);
    if (before && withoutSource(before) === withoutSource(description) && sources.length === urls.length) {
      sources.forEach((source, i) => {
        if (source.spec.url === urls[i]) return;
        source.spec = { url: urls[i], enableDefaultSubsources: true, subsources: new Map() };
      });
      return;
    }
    this.add(name, description);
  }

  hide(name: string): void {
    if (!this.shown.delete(name)) return;
    this.remove(name);
  }

  // Show everything anew, after the layers of the viewer were replaced.
  again(): void {
    for (const [name, description] of this.shown) this.add(name, description);
  }

  add(name: string, description: Description): void {
    this.remove(name);
    const shaderControls = this.shades.get(name);
    const { layerSpecification, layerManager } = this.viewer;
    const above = layerManager.managedLayers.findIndex(
      (layer: Untyped) => layer.layer?.dataSources?.[0]?.spec.url === "local://annotations",
    );
    const layer = makeLayer(layerSpecification, name, { ...description, ...(shaderControls && { shaderControls }), name } as Untyped);
    layerSpecification.add(layer, above < 0 ? undefined : above); // below what pages draw themselves
  }

  remove(name: string): void {
    removeLayer(this.viewer, name);
  }

  shade(name: string, controls: Readonly<Record<string, number>>): void {
    this.shades.set(name, controls);
    this.viewer.layerManager.getLayerByName(name)?.layer?.shaderControlState?.restoreState(controls);
  }

  // A click, with no key held down, on an annotation.
  onPick(listener: (layer: string, id: string) => void): () => void {
    const { element, mouseState } = this.viewer;
    let pressed: readonly [number, number] | null = null;
    const down = (event: MouseEvent) => {
      const plain = !event.ctrlKey && !event.altKey && !event.shiftKey && !event.metaKey;
      pressed = plain && event.button === 0 ? [event.pageX, event.pageY] : null;
    };
    const up = (event: MouseEvent) => {
      if (pressed === null) return;
      if (Math.hypot(event.pageX - pressed[0], event.pageY - pressed[1]) > STILL_PX) return;
      mouseState.updateUnconditionally();
      const name = mouseState.pickedAnnotationLayer?.dataSource?.layer?.managedLayer?.name;
      const id = mouseState.pickedAnnotationId;
      if (mouseState.active && name !== undefined && id !== undefined) listener(name, String(id));
    };
    element.addEventListener("mousedown", down, true);
    element.addEventListener("mouseup", up, true);
    return () => {
      element.removeEventListener("mousedown", down, true);
      element.removeEventListener("mouseup", up, true);
    };
  }

  methods(): Overlaying {
    return {
      overlay: (name, description) => this.show(name, description),
      uncover: (name) => this.hide(name),
      overlaySources: (name) => (this.shown.has(name) ? addresses(this.shown.get(name) as Description) : []),
      shade: (name, controls) => this.shade(name, controls),
      onPick: (listener) => this.onPick(listener),
      addLayer: (description) => this.add(description.name, description),
      removeLayer: (name) => this.remove(name),
    };
  }
}
