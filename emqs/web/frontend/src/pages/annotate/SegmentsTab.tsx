// Segments: those selected in the viewer, one's merges of them, and requests to take these over.
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { hasRole, type Dataset } from "../../api/types";
import { t } from "../../i18n";
import { Button, Field, Message, Spinner, tellError } from "../../ui";
import { useViewing, viewer } from "../../viewer/Viewer";
import { Connections } from "./Connections";
import { Merges } from "./Merges";
import { Pulls } from "./Pulls";
import { makeSegments, type Segments } from "./segments";
import { isTyping } from "./Tools";

const UNSELECTED = 0.2; // so that one sees what could be merged

export function SegmentsTab({ dataset }: { dataset: Dataset }) {
  const layers = dataset.layers.filter((layer) => layer.kind === "segmentation");
  const [name, setName] = useState(layers[0]?.name ?? "");
  const layer = layers.find((one) => one.name === name) ?? layers[0];
  const segments = useMemo(() => makeSegments(dataset, layer?.name ?? ""), [dataset.name, layer?.name]);
  useEffect(() => {
    segments.load().catch(tellError);
  }, [segments]);
  useViewing(dataset.name, (handle) => {
    handle.setVisible(segments.layer, true);
    handle.fade(segments.layer, UNSELECTED);
    return handle.onSegments(segments.layer, () => segments.follow(handle.segments(segments.layer)));
  }, [segments]);
  useViewing(dataset.name, (handle) => {
    if (segments.sandbox.value !== null) handle.equate(segments.layer, segments.sandbox.value.equivalences);
    return undefined;
  }, [segments, segments.sandbox.value]);
  return (
    <div class="segments">
      {layers.length > 1 && (
        <Field label={t("segments.layer")}>
          {(id) => (
            <select id={id} value={segments.layer} onChange={(event) => setName(event.currentTarget.value)}>
              {layers.map((one) => <option key={one.name}>{one.name}</option>)}
            </select>
          )}
        </Field>
      )}
      <Selection segments={segments} mayWrite={hasRole(dataset, "annotator")} />
      <Connections dataset={dataset} segments={segments} />
      {segments.sandbox.value === null ? <Spinner /> : (
        <>
          <Merges segments={segments} mayWrite={hasRole(dataset, "annotator")} />
          <Pulls dataset={dataset} segments={segments} mayWrite={hasRole(dataset, "annotator")} />
        </>
      )}
    </div>
  );
}

function Selection({ segments, mayWrite }: { segments: Segments; mayWrite: boolean }) {
  const [number, setNumber] = useState("");
  const handle = viewer.value;
  const selected = segments.selected.value;
  const groups = segments.selectedGroups.value;
  const things = segments.things.value;
  const set = (list: readonly string[]) => handle?.select(segments.layer, list);
  useLayoutEffect(() => {
    if (!mayWrite) return;
    const key = (event: KeyboardEvent) => {
      if (isTyping(event) || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key !== "m" && event.key !== "M") return;
      event.preventDefault();
      event.stopPropagation();
      void (event.key === "m" ? segments.merge() : segments.unmerge());
    };
    document.addEventListener("keydown", key, true);
    return () => document.removeEventListener("keydown", key, true);
  }, [segments, mayWrite]);
  function add(event: Event): void {
    event.preventDefault();
    if (/^\d+$/.test(number) && !selected.includes(number)) set([...selected, number]);
    setNumber("");
  }
  return (
    <section aria-label={t("segments.selected")}>
      <h2>{t("segments.selected")}</h2>
      <p class="hint">{t("segments.hint")}</p>
      <ol class="picked">
        {things.map((group, i) => (
          <li key={group[0]}>
            <strong>{group[0]}</strong>
            {group.length > 1 && <span class="hint"> {t("segments.merged_of", { n: group.length })}</span>}
            {i === 0 && things.length > 1 && <span class="hint"> {t("segments.first")}</span>}
            <Button kind="quiet" icon="×" label={t("segments.deselect", { number: group[0] ?? "" })}
              onClick={() => set(selected.filter((other) => !group.includes(other)))} />
          </li>
        ))}
      </ol>
      {selected.length === 0 && <p class="hint">{t("segments.none_selected")}</p>}
      <form class="row" onSubmit={add}>
        <label class="row">
          {t("segments.number")}
          <input value={number} inputMode="numeric" pattern="\d+" size={12} disabled={handle === null}
            onInput={(event) => setNumber(event.currentTarget.value.trim())} />
        </label>
        <Button type="submit" disabled={!/^\d+$/.test(number)}>{t("segments.add")}</Button>
        {selected.length > 0 && <Button onClick={() => set([])}>{t("segments.deselect_all")}</Button>}
      </form>
      {mayWrite && (
        <div class="row">
          <Button kind="primary" title="m" disabled={things.length < 2 || segments.busy.value}
            onClick={() => void segments.merge()}>
            {t("segments.merge")} (m)
          </Button>
          <Button title="Shift+M" disabled={groups.length === 0 || segments.busy.value}
            onClick={() => void segments.unmerge()}>
            {t("segments.unmerge")} (M)
          </Button>
        </div>
      )}
      {segments.error.value && <Message kind="error">{segments.error.value}</Message>}
    </section>
  );
}
