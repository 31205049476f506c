// Shapes as neuroglancer has them.
import { AnnotationType, type Annotation } from "neuroglancer/unstable/annotation/index.js";
import type { Position, Shape } from "./types";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- untyped parts of neuroglancer
export type Untyped = any;

export function removeLayer(viewer: Untyped, name: string): void {
  const managed = viewer.layerManager.getLayerByName(name);
  if (managed !== undefined) viewer.layerManager.removeManagedLayer(managed);
}

export function vector(position: Position): Float32Array {
  return Float32Array.of(position.x, position.y, position.z);
}

export function position(values: ArrayLike<number>): Position {
  return { x: values[0], y: values[1], z: values[2] };
}

export function annotation(shape: Shape): Annotation {
  const common = { id: shape.id, description: shape.text, properties: [] as number[], relatedSegments: undefined };
  switch (shape.kind) {
    case "point":
      return { ...common, type: AnnotationType.POINT, point: vector(shape.at) } as Annotation;
    case "line":
      return {
        ...common, type: AnnotationType.LINE, pointA: vector(shape.from), pointB: vector(shape.to),
      } as Annotation;
    case "box":
      return {
        ...common, type: AnnotationType.AXIS_ALIGNED_BOUNDING_BOX,
        pointA: vector(shape.from), pointB: vector(shape.to),
      } as Annotation;
    case "sphere":
      return {
        ...common, type: AnnotationType.ELLIPSOID, center: vector(shape.at), radii: vector(shape.radii),
      } as Annotation;
  }
}
