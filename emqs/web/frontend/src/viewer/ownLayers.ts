// Layers that pages show; they are no part of the state of the viewer.
import type { Annotation } from "neuroglancer/unstable/annotation/index.js";
import { makeLayer } from "neuroglancer/unstable/layer/index.js";
import { annotation, removeLayer, type Untyped } from "./annotations";
import type { Shape } from "./types";

const SHADER = `void main() {
  setColor(defaultColor());
  setLineWidth(3.0);
  setEndpointMarkerSize(0.0);
  setEndpointMarkerBorderWidth(0.0);
  setPointMarkerSize(9.0);
  setPointMarkerBorderWidth(2.0);
  setPointMarkerBorderColor(vec3(0.0, 0.0, 0.0));
}
`;
const RETRY_MS = 50;

interface Shown {
  color: string;
  shapes: readonly Shape[];
  drawn: Map<string, string>; // by id; what is the same is not drawn again
  source: unknown; // of neuroglancer, into which it was drawn
}

type Description = Record<string, unknown>; // of a layer, as neuroglancer has it

export class OwnLayers {
  private readonly shown = new Map<string, Shown>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private disposed = false;

  constructor(
    private readonly viewer: Untyped,
    private readonly dimensions: unknown,
  ) {}

  has(name: string): boolean {
    return this.shown.has(name);
  }

  show(name: string, color: string, shapes: readonly Shape[]): void {
    const before = this.shown.get(name);
    this.shown.set(name, { color, shapes, drawn: before?.drawn ?? new Map(), source: before?.source });
    this.draw(name);
  }

  hide(name: string): void {
    if (this.shown.delete(name) && !this.disposed) removeLayer(this.viewer, name);
  }

  private putIn(name: string, description: Description): void {
    const { layerSpecification } = this.viewer;
    layerSpecification.add(makeLayer(layerSpecification, name, { ...description, name } as Untyped));
  }

  // Draw everything anew, after the layers of the viewer were replaced.
  again(): void {
    for (const name of this.shown.keys()) this.draw(name);
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    this.shown.clear();
  }

  private source(name: string, color: string): Untyped {
    if (this.viewer.layerManager.getLayerByName(name) === undefined) {
      const spec = {
        type: "annotation", name, annotationColor: color, tab: "annotations", shader: SHADER,
        source: { url: "local://annotations", transform: { outputDimensions: this.dimensions } },
      };
      this.putIn(name, spec);
    }
    return this.viewer.layerManager.getLayerByName(name)?.layer?.localAnnotations;
  }

  private draw(name: string): void {
    const layer = this.shown.get(name);
    if (this.disposed || layer === undefined) return;
    const annotations = this.source(name, layer.color);
    if (annotations === undefined) {
      // a layer that has just been made has its annotations a moment later
      this.timer = setTimeout(() => this.again(), RETRY_MS);
      return;
    }
    if (annotations !== layer.source) {
      layer.source = annotations;
      layer.drawn = new Map();
    }
    const missing = new Map(layer.shapes.map((shape) => [shape.id, shape]));
    for (const old of [...annotations] as Annotation[]) {
      const shape = missing.get(old.id);
      const text = shape && JSON.stringify(shape);
      if (shape !== undefined && layer.drawn.get(old.id) === text) {
        missing.delete(old.id);
        continue;
      }
      const reference = annotations.getReference(old.id);
      if (shape === undefined) annotations.delete(reference);
      else annotations.update(reference, annotation(shape));
      reference.dispose();
      missing.delete(old.id);
    }
    for (const shape of missing.values()) annotations.add(annotation(shape)).dispose();
    layer.drawn = new Map(layer.shapes.map((shape) => [shape.id, JSON.stringify(shape)]));
  }
}
