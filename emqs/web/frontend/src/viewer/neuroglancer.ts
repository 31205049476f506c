// This file, annotations.ts and ownLayers.ts alone know neuroglancer, whose interface carries no promise of
// stability.
import "neuroglancer";
import { setDefaultInputEventBindings } from "neuroglancer/unstable/ui/default_input_event_bindings.js";
import { animationFrameDebounce } from "neuroglancer/unstable/util/animation_frame_debounce.js";
import { makeMinimalViewer } from "neuroglancer/unstable/ui/minimal_viewer.js";
import { registerActionListener } from "neuroglancer/unstable/util/event_action_map.js";
import { LAYOUTS } from "./types";
import type { Gesture, InView, LayoutName, Position, ViewerHandle, ViewerLayer, ViewerState } from "./types";
import { position, vector, type Untyped } from "./annotations";
import { OwnLayers } from "./ownLayers";
import { Overlays } from "./overlays";
import { segmenting } from "./segments";

const GESTURES: Record<Gesture, string> = {
  positive: "at:alt+mousedown0",
  negative: "at:alt+shift+mousedown0",
  annotate: "at:control+mousedown0",
};
const QUIET_MS = 400;
const AXES = ["z", "y", "x"] as const;
const MARGIN = 1.04; // around a volume that fits

// Called once the changes of a while are over, and in between every QUIET_MS.
function calmly(signal: Untyped, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const remove = signal.add(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, QUIET_MS);
  });
  return () => {
    clearTimeout(timer);
    remove();
  };
}

// Pixels that a panel adds to a position for one step to the right and one down, and its size.
interface Panel {
  right: Position;
  down: Position;
  width: number;
  height: number;
  box: DOMRect;
}

function slicePanels(viewer: Untyped): Panel[] {
  const panels: Panel[] = [];
  for (const panel of viewer.display.panels) {
    const parameters = panel.sliceView?.projectionParameters?.value;
    if (parameters === undefined || !panel.visible) continue;
    const { invViewMatrix: m, width, height } = parameters;
    const box = (panel.element as HTMLElement).getBoundingClientRect();
    panels.push({ right: position(m.slice(0, 3)), down: position(m.slice(4, 7)), width, height, box });
  }
  return panels;
}

// Where the mouse is: neuroglancer tells the corner of the pixel, its middle is what one points at. What
// it calls the position is drawn to annotations near by.
function pointed(viewer: Untyped): Position {
  const { unsnappedPosition, pageX, pageY } = viewer.mouseState;
  const at = position(unsnappedPosition);
  const [x, y] = [pageX - window.scrollX, pageY - window.scrollY];
  const under = ({ box }: Panel) => x >= box.left && x < box.right && y >= box.top && y < box.bottom;
  const panel = slicePanels(viewer).find(under);
  if (panel === undefined) return at;
  for (const axis of AXES) at[axis] += (panel.right[axis] + panel.down[axis]) / 2;
  return at;
}

function inView(centre: Position, panels: readonly Panel[]): InView {
  const none = { z: null, y: null, x: null };
  const seen: InView = { start: { ...none }, stop: { ...none } };
  for (const { right, down, width, height } of panels) {
    for (const axis of AXES) {
      const half = (Math.abs(right[axis]) * width + Math.abs(down[axis]) * height) / 2;
      if (half < 1e-6 * (width + height)) continue;
      seen.start[axis] = Math.min(seen.start[axis] ?? Infinity, centre[axis] - half);
      seen.stop[axis] = Math.max(seen.stop[axis] ?? -Infinity, centre[axis] + half);
    }
  }
  return seen;
}

export function makeViewer(target: HTMLElement, dataset: string, initial: ViewerState): ViewerHandle {
  const viewer: Untyped = makeMinimalViewer({
    target, showLayerDialog: false, resetStateWhenEmpty: false,
    showHelpButton: false, showSettingsButton: false, showEditStateButton: false, showScreenshotButton: false,
    showToolPaletteButton: false, showSelectionPanelButton: false, showLayerListPanelButton: false,
    showLocation: true, showLayerPanel: false, // the page lists the layers
     showPanelBorders: false,
  } as Untyped);
  setDefaultInputEventBindings(viewer.inputEventBindings);
  viewer.inputEventBindings.global.set("keyn", "emqs-nothing"); // else: add a layer
  const overlays = new Overlays(viewer); // no part of the state
  let disposed = false;
  let lastState = initial;

  for (const [gesture, keys] of Object.entries(GESTURES)) {
    for (const map of [viewer.inputEventBindings.sliceView, viewer.inputEventBindings.perspectiveView]) {
      map.set(keys, `emqs-${gesture}`);
    }
  }
  const own = new OwnLayers(viewer, initial.dimensions); // no part of the state

  function state(): ViewerState {
    const whole = JSON.parse(JSON.stringify(viewer.state.toJSON())) as Untyped;
    if (Array.isArray(whole.layers)) {
      whole.layers = whole.layers.filter((layer: Untyped) => !own.has(layer.name) && !overlays.has(layer.name));
    }
    return whole;
  }

  function restore(given: ViewerState): void {
    lastState = given;
    stopWaiting();
    viewer.state.reset();
    viewer.state.restoreState(given);
    own.again();
    overlays.again();
  }

  // A position that is set before the axes are known is dropped, so it waits for them.
  let stopWaiting = () => {};
  function go(to: Position): void {
    stopWaiting();
    const moved = () => {
      const known = viewer.position.value.length === 3 && viewer.position.valid; // reading takes the axes over
      if (known) viewer.position.value = vector(to);
      return known;
    };
    if (moved()) return;
    const remove = viewer.coordinateSpace.changed.add(() => {
      if (moved()) remove();
    });
    stopWaiting = remove;
  }

  // Who clicks into the viewer has left the button that was pressed before: Enter is not meant for it.
  viewer.element.addEventListener("mousedown", () => {
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && !viewer.element.contains(focused)) focused.blur();
  }, true);
  const handle: ViewerHandle = {
    element: viewer.element,
    dataset,
    state,
    restore,
    onState(listener) {
      return calmly(viewer.state.changed, () => {
        if (!disposed) listener(state());
      });
    },
    under() {
      if (!viewer.mouseState.updateUnconditionally()) return null;
      return pointed(viewer);
    },
    onMove(listener) {
      return viewer.mouseState.changed.add(() => {
        listener(viewer.mouseState.active ? pointed(viewer) : null);
      });
    },
    onGesture(gesture, listener) {
      return registerActionListener(viewer.element, `emqs-${gesture}`, () => {
        const place = handle.under();
        if (place !== null) listener(place);
      }) as () => void;
    },
    centre: () => position(viewer.position.value),
    go,
    inView: () => inView(handle.centre(), slicePanels(viewer)),
    isLaidOut: () => slicePanels(viewer).every(({ width, height }) => width > 0 && height > 0) && viewer.display.panels.size > 0,
    fit(shape) {
      const factors = position(viewer.displayDimensionRenderInfo.value.canonicalVoxelFactors);
      const lengths = { z: shape.z * factors.z, y: shape.y * factors.y, x: shape.x * factors.x };
      let scale = 0;
      for (const { right, down, width, height } of slicePanels(viewer)) {
        for (const [step, pixels] of [[right, width], [down, height]] as const) {
          const along = AXES.reduce((a, b) => (Math.abs(step[b] * factors[b]) > Math.abs(step[a] * factors[a]) ? b : a));
          scale = Math.max(scale, (MARGIN * lengths[along]) / pixels);
        }
      }
      if (scale > 0) viewer.crossSectionScale.value = scale;
      viewer.projectionScale.value = 1.3 * Math.max(...Object.values(lengths));
      handle.go({ z: shape.z / 2, y: shape.y / 2, x: shape.x / 2 });
    },
    layout() {
      const now = viewer.layout.toJSON();
      const name = typeof now === "string" ? now : now?.type;
      return LAYOUTS.find((one) => one === name) ?? null;
    },
    setLayout(name: LayoutName) {
      viewer.layout.restoreState(name);
    },
    layers() {
      return viewer.layerManager.managedLayers.map(
        (layer: Untyped): ViewerLayer => ({
          name: layer.name,
          kind: layer.initialSpecification?.type ?? layer.layer?.type ?? "",
          visible: layer.visible,
          own: own.has(layer.name),
        }),
      );
    },
    values() {
      const { layerManager, layerSelectedValues, mouseState } = viewer;
      if (!mouseState.active) return {};
      const values: Record<string, string> = {};
      for (const { name, layer, visible } of layerManager.managedLayers as Untyped[]) {
        const value = visible && layer !== null ? layerSelectedValues.get(layer)?.value : undefined;
        if (value !== undefined && value !== null && !own.has(name) && !overlays.has(name)) values[name] = String(value);
      }
      return values;
    },
    onValues(listener) {
      const later = animationFrameDebounce(listener);
      const remove = viewer.layerSelectedValues.changed.add(later);
      return () => {
        later.cancel();
        remove();
      };
    },
    settings(layer) {
      viewer.selectedLayer.layer = viewer.layerManager.getLayerByName(layer);
      viewer.selectedLayer.visible = true;
      const panel = viewer.selectedLayer.layer?.layer?.panels.panels[0];
      if (panel !== undefined) panel.selectedTab.value = "rendering";
    },
    setVisible(layer, visible) {
      viewer.layerManager.getLayerByName(layer)?.setVisible(visible);
    },
    onLayers(listener) {
      const removers = [
        calmly(viewer.layerManager.layersChanged, listener),
        calmly(viewer.layout.changed, listener),
      ];
      return () => removers.forEach((remove) => remove());
    },
    reload() {
      restore(state());
    },
    help() {
      viewer.toggleHelpPanel();
    },
    show: (layer, color, shapes) => own.show(layer, color, shapes),
    hide: (layer) => own.hide(layer),
    isReady: () => viewer.isReady(),
    dispose() {
      disposed = true;
      own.dispose();
      if ((window as Untyped).emqsViewer === handle) delete (window as Untyped).emqsViewer;
      const { gl } = viewer.display;
      viewer.dispose();
      gl.getExtension("WEBGL_lose_context")?.loseContext(); // browsers keep some contexts alone
      target.replaceChildren();
    },

    ...overlays.methods(),
    ...segmenting(viewer),
  };

  viewer.state.restoreState(lastState);
  (window as Untyped).emqsViewer = handle; // for tests and for the curious
  return handle;
}
