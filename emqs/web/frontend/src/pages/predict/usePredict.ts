// What connects the prediction with the examples, the address and the viewer while its page is shown.
import { effect } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { dataset as path, expired, reached, request, ROOT } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { hash, keep, route } from "../../router";
import { useViewing } from "../../viewer/Viewer";
import type { ViewerHandle } from "../../viewer/types";
import { draw } from "../search/drawing";
import { current } from "../search/store";
import { fromAddress, overlayOf, toAddress, type Thing } from "./model";
import { close, examples, failure, isStale, live, measure, most, part, question, result, run, threshold } from "./store";
import { pointed } from "./pointed";

const CALM_MS = 200; // after the last change
const COLOUR = "#e69f00";

let opened = ""; // the dataset that the part lies in

export function useAddress(dataset: Dataset): void {
  useLayoutEffect(() => { // before anybody can press a key
    if (opened !== dataset.name) close();
    opened = dataset.name;
    let mine: string | undefined;
    let restoring = false; // what the address asks for is not overwritten before it is there
    const stopReading = effect(() => {
      const given = hash.value.predict;
      if (route.value.path[1] !== dataset.name || JSON.stringify(given) === mine) return;
      const kept = fromAddress(given);
      mine = JSON.stringify(given);
      if (kept === null) return;
      restoring = true;
      queueMicrotask(() => {
        restoring = false;
        part.value = kept.part;
        threshold.value = kept.threshold;
      });
    });
    const stopWriting = effect(() => {
      const value = toAddress(part.value === null ? null : { part: part.value, threshold: threshold.value });
      const text = JSON.stringify(value);
      if (text === mine || restoring) return;
      queueMicrotask(() => {
        mine = text;
        keep("predict", value);
      });
    });
    return () => {
      stopReading();
      stopWriting();
    };
  }, [dataset.name]);
}

// Ask for the first prediction, for one more when the examples change, and for objects at another threshold.
export function useAsking(dataset: Dataset): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let measured = threshold.value;
    const later = (act: () => void) => {
      clearTimeout(timer);
      timer = setTimeout(act, CALM_MS);
    };
    let prepared: boolean | null = null; // null: nothing is asked for yet
    const stops = [
      effect(() => {
        const prepare = examples.value.positives.length > 0; // somebody is about to predict
        if (prepared === null || (prepare && !prepared)) {
          prepared = prepare;
          request<{ most_voxels: number }>(`${path(dataset.name)}/predictions`, { query: { prepare } })
            .then(({ most_voxels }) => {
              most.value = most_voxels;
            })
            .catch(() => {}); // the prediction itself tells what is wrong
        }
      }),
      effect(() => {
        if (current.value !== dataset.name || question.value === null) return;
        if (result.value === null ? failure.peek() === null : live.value && isStale.value) later(() => void run());
      }),
      effect(() => {
        if (threshold.value === measured) return;
        measured = threshold.value;
        if (result.peek() !== null) later(() => void (isStale.peek() && live.peek() ? run() : measure()));
      }),
      effect(() => {
        const now = failure.value;
        const back = now !== null && ((now.status === 0 && reached.value) || (now.status === 401 && !expired.value));
        if (back) queueMicrotask(now.retry);
      }),
    ];
    return () => {
      clearTimeout(timer);
      stops.forEach((stop) => stop());
    };
  }, [dataset.name]);
}

function boxOf(one: Thing) {
  return {
    kind: "box" as const, id: `${one.label}`,
    from: { z: one.z_first, y: one.y_first, x: one.x_first },
    to: { z: one.z_last + 1, y: one.y_last + 1, x: one.x_last + 1 },
  };
}

function follow(handle: ViewerHandle, dataset: Dataset): () => void {
  const layers = { overlay: t("predict.layer"), object: t("predict.layer_object"), part: t("predict.layer_part") };
  const stops = [
    effect(() => {
      const now = result.value;
      if (now === null || now.dataset !== dataset.name) handle.uncover(layers.overlay);
      else handle.overlay(layers.overlay, overlayOf(dataset.name, now.id, location.origin + ROOT));
    }),
    effect(() => handle.shade(layers.overlay, { threshold: threshold.value })),
    effect(() => draw(handle, layers.object, COLOUR, pointed.value === null ? [] : [boxOf(pointed.value)])),
    effect(() => {
      const now = part.value;
      const at = (corner: readonly number[]) => ({ z: corner[0] ?? 0, y: corner[1] ?? 0, x: corner[2] ?? 0 });
      draw(handle, layers.part, COLOUR, now === null ? [] : [{ kind: "box", id: "part", from: at(now.start), to: at(now.stop) }]);
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    handle.uncover(layers.overlay);
    handle.hide(layers.object);
    handle.hide(layers.part);
    pointed.value = null;
  };
}

export function useOverlay(dataset: Dataset): void {
  useViewing(dataset.name, (handle) => follow(handle, dataset), []);
}
