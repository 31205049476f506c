// What connects the search with the address, the viewer and the keyboard while its page is shown.
import { effect } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { expired, reached } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { hash, keep, route } from "../../router";
import { tell } from "../../ui";
import { useViewing } from "../../viewer/Viewer";
import type { ViewerHandle } from "../../viewer/types";
import { exampleAt } from "./acting";
import { fromAddress, toAddress, type Kept } from "./address";
import { COLOURS, draw, examplesAs, matchesAs, patchAs, regionAs } from "./drawing";
import { askFor, embeddings } from "./embeddings";
import { addAt } from "./Examples";
import { highlighted } from "./highlight";
import {
  add, canSearch, current, enter, failure, marks, openById, pendingPlace, refine, result, run, state, undo,
} from "./store";

// What an address asked for and is not there yet: it stays in the address meanwhile.
let restoring: Pick<Kept, "shown" | "saved"> | null = null;

function kept(): Kept {
  const now = result.value;
  if (now !== null) restoring = null;
  const shown = now?.matches.length ?? restoring?.shown ?? 0;
  const saved = now === null ? (restoring?.saved ?? null) : (now.saved?.id ?? null);
  return { state: state.value, shown, saved, marks: marks.value };
}

// Take a search from an address; what was shown is shown again.
function adopt(given: Kept, dataset: string): void {
  state.value = given.state;
  marks.value = given.marks;
  result.value = null;
  restoring = given;
  const ask = () => (canSearch.value ? run({ first: given.shown, keepMarks: true }) : Promise.resolve());
  if (given.saved !== null) void openById(given.saved, dataset, ask);
  else if (given.shown > 0) void ask();
}

export function useAddress(dataset: Dataset): void {
  useLayoutEffect(() => { // before anybody can press a key
    if (current.value !== dataset.name) restoring = null;
    enter(dataset.name);
    askFor(dataset.name);
    let mine: string | undefined;
    const write = () => {
      const value = toAddress(kept(), dataset.name);
      mine = JSON.stringify(value);
      keep("search", value);
    };
    const stopReading = effect(() => {
      const given = hash.value.search;
      if (route.value.path[1] !== dataset.name || JSON.stringify(given) === mine) return;
      const parsed = fromAddress(given, dataset.name);
      mine = JSON.stringify(given);
      if (parsed !== null) queueMicrotask(() => adopt(parsed, dataset.name));
    });
    const stopWriting = effect(() => {
      const value = JSON.stringify(toAddress(kept(), dataset.name));
      // a search that is being read from the address is not overwritten by the one before
      if (value !== mine) queueMicrotask(() => JSON.stringify(toAddress(kept(), dataset.name)) !== mine && write());
    });
    return () => {
      stopReading();
      stopWriting();
    };
  }, [dataset.name]);
}

// Whatever failed because of the connection or the session is asked again when these are back.
export function useRetry(): void {
  useEffect(
    () =>
      effect(() => {
        const now = failure.value;
        if (now === null) return;
        const back = (now.status === 0 && reached.value) || (now.status === 401 && !expired.value);
        if (back) queueMicrotask(now.retry);
      }),
    [],
  );
}

function follow(handle: ViewerHandle, dataset: Dataset, matches: boolean): () => void {
  const edge = () => embeddings.value[dataset.name]?.patch ?? 64;
  const layers = {
    region: t("search.layer_region"),
    matches: t("search.matches"),
    positives: t("search.positives_short"),
    negatives: t("search.negatives_short"),
    highlight: t("search.layer_highlight"),
  };
  const click = (kind: "positives" | "negatives") => (at: { z: number; y: number; x: number }) => {
    const example = exampleAt(at, dataset);
    if (example === null) tell(t("search.outside_volume"));
    else add(kind, example);
  };
  const stops = [
    effect(() => draw(handle, layers.region, COLOURS.region, regionAs(state.value.filters.region, dataset.voxel_size_nm, dataset.origin_nm ?? [0, 0, 0]))),
    effect(() => draw(handle, layers.matches, COLOURS.matches, matchesAs((matches && result.value?.matches) || [], dataset.name))),
    effect(() => draw(handle, layers.positives, COLOURS.positives, examplesAs(state.value.positives, dataset.name, edge(), false))),
    effect(() => draw(handle, layers.negatives, COLOURS.negatives, examplesAs(state.value.negatives, dataset.name, edge(), true))),
    effect(() => {
      const match = highlighted.value;
      draw(handle, layers.highlight, COLOURS.highlight, match === null ? [] : patchAs(match, dataset.name, edge()));
    }),
    effect(() => {
      const place = pendingPlace.value;
      if (place === null || place.dataset !== dataset.name) return;
      handle.go({ z: place.z + 0.5, y: place.y + 0.5, x: place.x + 0.5 });
      pendingPlace.value = null;
    }),
    handle.onGesture("positive", click("positives")),
    handle.onGesture("negative", click("negatives")),
  ];
  return () => {
    stops.forEach((stop) => stop());
    Object.values(layers).forEach((name) => handle.hide(name));
    highlighted.value = null;
  };
}

// Examples, the region and, if one wants, the matches in the viewer; clicks there are examples.
export function useViewer(dataset: Dataset, { matches = true } = {}): void {
  useViewing(dataset.name, (handle) => follow(handle, dataset, matches), [matches]);
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (element === null || !("tagName" in element)) return false;
  const text = element instanceof HTMLInputElement && !["checkbox", "radio", "range"].includes(element.type);
  return text || ["SELECT", "TEXTAREA"].includes(element.tagName) || element.isContentEditable;
}

function isPressable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button:enabled, a, summary, input, label") !== null;
}

// Keys that act wherever the focus is, except where one writes, and while a dialog is open.
export function useKeys(dataset: Dataset, help: () => void, submit = run, again: (() => unknown) | null = refine): void {
  useLayoutEffect(() => { // a key counts as soon as the page can be seen
    function onKey(event: KeyboardEvent): void {
      if (isTyping(event.target) || document.querySelector("dialog[open], .sign-in.again") !== null) return;
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (command && key === "z" && !event.shiftKey && !event.altKey) undo();
      else if (command || event.altKey) return;
      else if (key === "p") addAt("positives", dataset, true);
      else if (key === "n") addAt("negatives", dataset, true);
      else if (key === "f" && again !== null && Object.keys(marks.value).length > 0) again();
      else if (key === "enter" && canSearch.value && !isPressable(event.target)) void submit();
      else if (event.key === "?") help();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, [dataset.name]);
}

