// The tools: what Ctrl+click draws, or the button for those who do not click into the viewer.
import { useEffect, useLayoutEffect } from "preact/hooks";
import { t, type Word } from "../../i18n";
import { Button, Field } from "../../ui";
import { useViewing, viewer } from "../../viewer/Viewer";
import type { Position, ViewerHandle } from "../../viewer/types";
import type { Drawing, Geometry } from "./drawing";
import { lengthsText } from "./format";
import { KINDS, drawn, placed, type Kind } from "./model";
import { defaults, setDefaults } from "./settings";
import type { Store } from "./store";
import { TagInput } from "./TagInput";

const LETTERS: Record<string, Kind> = { P: "point", L: "line", S: "sphere", B: "box" };
const ICONS: Record<Kind, string> = { point: "•", line: "╱", sphere: "◯", box: "▢" };

export function isTyping(event: Event): boolean {
  const target = event.target as Element | null;
  return Boolean(target?.closest?.("input, textarea, select, dialog, [contenteditable]"));
}

function crosshair(handle: ViewerHandle): Position {
  return placed(handle.centre(), handle.centre());
}

// Ctrl+click, keys and the preview, while the page is shown.
function useDrawing(drawing: Drawing, store: Store): void {
  const handle = viewer.value;
  useViewing(store.dataset.name, (handle) => {
    let frame = 0;
    const follow = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const at = handle.under();
        if (at !== null) drawing.move(placed(at, handle.centre()));
      });
    };
    const stop = [
      handle.onGesture("annotate", (at) => drawing.place(placed(at, handle.centre()))),
      handle.onMove(() => {
        if (drawing.first.peek() !== null) follow();
      }),
      handle.onState(() => {
        if (drawing.first.peek() !== null && !handle.element.matches(":hover")) drawing.move(crosshair(handle));
      }),
    ];
    return () => {
      cancelAnimationFrame(frame);
      for (const one of stop) one();
    };
  }, [drawing]);
  const preview = drawing.preview.value;
  const first = drawing.first.value;
  useEffect(() => {
    const begin = first && ({ kind: "point", points: [first], radius_nm: null } as const);
    const geometry = preview ?? (begin as Geometry | null);
    store.sketch.value = geometry === null ? [] : [drawn(geometry, `sketch-${geometry.kind}`, store.size)];
  }, [preview, first]);
  useLayoutEffect(() => () => void (store.sketch.value = []), [store]);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" && drawing.first.peek() !== null) {
        drawing.cancel();
        return;
      }
      if (isTyping(event) || event.altKey || event.metaKey) return;
      const letter = event.key.toUpperCase();
      if (event.ctrlKey && !event.shiftKey && letter === "Z") void store.undo();
      else if (!event.shiftKey || event.ctrlKey) return;
      else if (LETTERS[letter]) drawing.choose(LETTERS[letter] as Kind);
      else if (letter === "C" && handle !== null) drawing.place(crosshair(handle));
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("keydown", key, true);
    return () => document.removeEventListener("keydown", key, true);
  }, [handle, drawing, store]);
}

export function Tools({ drawing, store }: { drawing: Drawing; store: Store }) {
  useDrawing(drawing, store);
  const tool = drawing.tool.value;
  const began = drawing.first.value !== null;
  const hint: Word = tool === "point" ? "annotate.hint_point" : began ? "annotate.hint_second" : "annotate.hint_first";
  return (
    <section class="annotate-tools" aria-label={t("annotate.tools")}>
      <div class="row">
        <div class="row kinds" role="group" aria-label={t("annotate.tool")}>
          {KINDS.map((kind) => (
            <Button
              key={kind}
              aria-pressed={tool === kind}
              title={`${t(`annotate.${kind}`)} (Shift+${Object.keys(LETTERS).find((k) => LETTERS[k] === kind)})`}
              onClick={() => drawing.choose(kind)}
            >
              <span aria-hidden="true">{ICONS[kind]}</span> {t(`annotate.${kind}`)}
            </Button>
          ))}
        </div>
      </div>
      <div class="row">
        <Button
          kind={began ? "primary" : "plain"}
          title="Shift+C"
          disabled={viewer.value === null}
          onClick={() => viewer.value && drawing.place(crosshair(viewer.value))}
        >
          {t(began ? "annotate.end_at_crosshair" : tool === "point" ? "annotate.place_at_crosshair" : "annotate.begin_at_crosshair")}
        </Button>
        {began && <Button title="Escape" onClick={() => drawing.cancel()}>{t("common.cancel")}</Button>}
        <Button
          kind="quiet"
          title={store.undos.value.length > 0 ? `${store.undos.value.at(-1)?.label} (Ctrl+Z)` : undefined}
          disabled={store.undos.value.length === 0}
          onClick={() => void store.undo()}
        >
          ↶ {t("annotate.undo")}
        </Button>
      </div>
      <p class="hint measure" role="status">
        {drawing.lengths.value.length > 0
          ? lengthsText(tool, drawing.lengths.value)
          : t(hint, { kind: t(`annotate.${tool}`) })}
      </p>
      <Defaults store={store} />
    </section>
  );
}

// What new annotations get, so that a hundred synapses are tagged while they are clicked.
function Defaults({ store }: { store: Store }) {
  const { tags, colour_class, title } = defaults.value;
  const told = [title, ...tags, colour_class].filter(Boolean).join(", ");
  return (
    <details class="new-ones">
      <summary>
        {t("annotate.new_ones")}: {told || t("annotate.nothing")}
      </summary>
      <Field label={t("annotate.title")}>
        {(id) => (
          <input id={id} value={title} maxLength={400} onInput={(e) => setDefaults({ title: e.currentTarget.value })} />
        )}
      </Field>
      <Field label={t("annotate.tags")} hint={t("annotate.tags_hint")}>
        {(id) => <TagInput id={id} tags={tags} onChange={(next) => setDefaults({ tags: next })} />}
      </Field>
      <Field label={t("annotate.colour_class")}>
        {(id) => (
          <select id={id} value={colour_class} onChange={(e) => setDefaults({ colour_class: e.currentTarget.value })}>
            <option value="">{t("annotate.no_class")}</option>
            {store.classes.value.map((name) => <option key={name}>{name}</option>)}
          </select>
        )}
      </Field>
    </details>
  );
}
