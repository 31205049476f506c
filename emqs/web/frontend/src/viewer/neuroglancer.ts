// The only file that knows neuroglancer, whose interface carries no promise of stability.
import "neuroglancer";
import { AnnotationType, type Annotation } from "neuroglancer/unstable/annotation/index.js";
import { setDefaultInputEventBindings } from "neuroglancer/unstable/ui/default_input_event_bindings.js";
import { makeMinimalViewer } from "neuroglancer/unstable/ui/minimal_viewer.js";
import { registerActionListener } from "neuroglancer/unstable/util/event_action_map.js";
import { makeLayer } from "neuroglancer/unstable/layer/index.js";
import { Overlays } from "./overlays";
import { segmenting } from "./segments";
import type { Gesture, Position, Shape, ViewerHandle, ViewerState } from "./types";

const GESTURES: Record<Gesture, string> = {
  positive: "at:alt+mousedown0",
  negative: "at:alt+shift+mousedown0",
  annotate: "at:control+mousedown0",
};
const QUIET_MS = 200;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- untyped parts of neuroglancer
type Untyped = any;

function vector(position: Position): Float32Array {
  return Float32Array.of(position.x, position.y, position.z);
}

function position(values: ArrayLike<number>): Position {
  return { x: values[0], y: values[1], z: values[2] };
}

function annotation(shape: Shape): Annotation {
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

export function makeViewer(target: HTMLElement, initial: ViewerState): ViewerHandle {
  const viewer: Untyped = makeMinimalViewer({
    target, showLayerDialog: false, resetStateWhenEmpty: false,
    showHelpButton: true, showSettingsButton: false, showEditStateButton: false, showScreenshotButton: false,
    showToolPaletteButton: false, showSelectionPanelButton: false, showLayerListPanelButton: false,
    showLocation: true, showLayerPanel: true, showPanelBorders: false,
  } as Untyped);
  setDefaultInputEventBindings(viewer.inputEventBindings);
  const own = new Set<string>(); // layers of show(), which are no part of the state
  const overlays = new Overlays(viewer); // no part of the state
  let disposed = false;

  for (const [gesture, keys] of Object.entries(GESTURES)) {
    for (const map of [viewer.inputEventBindings.sliceView, viewer.inputEventBindings.perspectiveView]) {
      map.set(keys, `emqs-${gesture}`);
    }
  }

  function state(): ViewerState {
    const whole = JSON.parse(JSON.stringify(viewer.state.toJSON())) as Untyped;
    if (Array.isArray(whole.layers)) {
      whole.layers = whole.layers.filter((layer: Untyped) => !own.has(layer.name) && !overlays.has(layer.name));
    }
    return whole;
  }

  function restore(given: ViewerState): void {
    const kept = viewer.state.toJSON()?.layers?.filter((layer: Untyped) => own.has(layer.name)) ?? [];
    viewer.state.reset();
    viewer.state.restoreState({ ...given, layers: [...((given.layers as unknown[]) ?? []), ...kept] });
    overlays.again();
  }

  function source(name: string, color: string): Untyped {
    const found = viewer.layerManager.getLayerByName(name);
    if (found === undefined) {
      const dimensions = viewer.coordinateSpace.value.valid ? viewer.coordinateSpace.toJSON() : undefined;
      const spec = {
        type: "annotation", name, annotationColor: color, tab: "annotations",
        source: { url: "local://annotations", transform: { outputDimensions: dimensions } },
      };
      const managed = makeLayer(viewer.layerSpecification, name, spec);
      viewer.layerSpecification.add(managed);
      own.add(name);
    }
    return viewer.layerManager.getLayerByName(name)?.layer?.localAnnotations;
  }

  function fill(name: string, color: string, shapes: readonly Shape[], tries = 50): void {
    if (disposed) return;
    const annotations = source(name, color);
    if (annotations === undefined) {
      // a layer that has just been made has its annotations a moment later
      if (tries > 0) setTimeout(() => fill(name, color, shapes, tries - 1), 100);
      return;
    }
    if (latest.get(name) !== shapes) return;
    const wanted = new Map(shapes.map((shape) => [shape.id, shape]));
    for (const old of [...annotations] as Annotation[]) {
      const reference = annotations.getReference(old.id);
      const shape = wanted.get(old.id);
      if (shape === undefined) annotations.delete(reference);
      else annotations.update(reference, annotation(shape));
      reference.dispose();
      wanted.delete(old.id);
    }
    for (const shape of wanted.values()) annotations.add(annotation(shape)).dispose();
  }

  const latest = new Map<string, readonly Shape[]>();

  const handle: ViewerHandle = {
    element: viewer.element,
    state,
    restore,
    onState(listener) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const later = () => {
        timer ??= setTimeout(() => {
          timer = undefined;
          if (!disposed) listener(state());
        }, QUIET_MS);
      };
      const remove = viewer.state.changed.add(later);
      return () => {
        clearTimeout(timer);
        remove();
      };
    },
    under() {
      if (!viewer.mouseState.updateUnconditionally()) return null;
      return position(viewer.mouseState.unsnappedPosition);
    },
    onMove(listener) {
      return viewer.mouseState.changed.add(() => {
        listener(viewer.mouseState.active ? position(viewer.mouseState.unsnappedPosition) : null);
      });
    },
    onGesture(gesture, listener) {
      return registerActionListener(viewer.element, `emqs-${gesture}`, () => {
        const place = handle.under();
        if (place !== null) listener(place);
      }) as () => void;
    },
    setVisible(layer, visible) {
      viewer.layerManager.getLayerByName(layer)?.setVisible(visible);
    },
    centre: () => position(viewer.position.value),
    go(to) {
      viewer.position.value = vector(to);
    },
    show(layer, color, shapes) {
      latest.set(layer, shapes);
      fill(layer, color, shapes);
    },
    hide(layer) {
      latest.delete(layer);
      own.delete(layer);
      const managed = viewer.layerManager.getLayerByName(layer);
      if (managed !== undefined) viewer.layerManager.removeManagedLayer(managed);
    },
    isReady: () => viewer.isReady(),
    dispose() {
      disposed = true;
      viewer.dispose();
      target.replaceChildren();
    },

    ...overlays.methods(),
    ...segmenting(viewer),
  };
  viewer.state.restoreState(initial);
  (window as Untyped).emqsViewer = handle; // for tests and for the curious
  return handle;
}
