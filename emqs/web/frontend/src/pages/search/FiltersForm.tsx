// Where is searched, and how far matches lie from each other.
import { useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { datasets } from "../../session";
import { Button, Field } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { embeddings } from "./embeddings";
import { extentOf, PAGE_SIZES, regionInView, segmentsIn } from "./model";
import { RegionSliders } from "./RegionSliders";
import { setFilters, state } from "./store";

const MOST_DATASETS = 8;

function Datasets({ dataset }: { dataset: Dataset }) {
  const searchable = datasets.value.filter((one) => one.searchable);
  const { datasets: given } = state.value.filters;
  const searched = given.length > 0 ? given : [dataset.name];
  if (searchable.length < 2) return null;
  function toggle(name: string, on: boolean): void {
    const next = on ? [...searched, name] : searched.filter((one) => one !== name);
    if (next.length === 0) return;
    setFilters({ datasets: next.length === 1 && next[0] === dataset.name ? [] : next });
  }
  return (
    <fieldset>
      <legend>{t("search.searched")}</legend>
      {searchable.map((one) => {
        const on = searched.includes(one.name);
        return (
          <label key={one.name} class="check">
            <input
              type="checkbox"
              checked={on}
              disabled={(on && searched.length === 1) || (!on && searched.length >= MOST_DATASETS)}
              onChange={(event) => toggle(one.name, event.currentTarget.checked)}
            />
            {one.title || one.name}
          </label>
        );
      })}
    </fieldset>
  );
}

function RegionFields({ dataset }: { dataset: Dataset }) {
  const { region } = state.value.filters;
  const extent = extentOf(dataset);
  return (
    <fieldset>
      <legend>{t("search.region")}</legend>
      <div class="row">
        <Button
          disabled={viewer.value === null}
          onClick={() => {
            const view = viewer.value?.inView();
            if (view !== undefined) setFilters({ region: regionInView(view, dataset) });
          }}
        >
          {t("search.in_view")}
        </Button>
        <Button kind="quiet" disabled={region === null} onClick={() => setFilters({ region: null })}>
          {t("search.everywhere")}
        </Button>
      </div>
      <RegionSliders extent={extent} region={region} onChange={(next) => setFilters({ region: next })} />
    </fieldset>
  );
}

function Distance({ dataset }: { dataset: Dataset }) {
  const { distance_nm: given } = state.value.filters;
  const embedding = embeddings.value[dataset.name];
  const edge = embedding === undefined ? 400 : embedding.patch * embedding.voxel_size_nm[1];
  const shown = given ?? edge;
  const change = (text: string) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= 0) setFilters({ distance_nm: value });
  };
  return (
    <Field label={t("search.distance")} hint={t("search.distance_hint", { edge: Math.round(edge) })}>
      {(id) => (
        <div class="row nowrap">
          <input
            type="range" min="0" max={String(10 * edge)} step={String(edge / 20)} value={String(shown)}
            aria-label={t("search.distance")} onChange={(event) => change(event.currentTarget.value)}
          />
          <input
            id={id} class="nm" type="number" min="0" step="any" value={String(Math.round(shown * 10) / 10)}
            onChange={(event) => change(event.currentTarget.value)}
          />
          <Button kind="quiet" disabled={given === null} onClick={() => setFilters({ distance_nm: null })}>
            {t("search.usual")}
          </Button>
        </div>
      )}
    </Field>
  );
}

function Segments({ dataset }: { dataset: Dataset }) {
  const layers = dataset.layers.filter((layer) => layer.kind === "segmentation");
  const { inside, outside, segmentation } = state.value.filters;
  const [first] = layers;
  if (first === undefined) return null;
  const layer = layers.find((one) => one.name === segmentation) ?? first;
  const name = layer.name === first.name ? null : layer.name;
  const selected = () => viewer.value?.segments(layer.name) ?? [];
  return (
    <fieldset>
      <legend>{t("search.segments")}</legend>
      {layers.length > 1 && (
        <Field label={t("search.segmentation")}>
          {(id) => (
            <select id={id} value={layer.name} onChange={(event) => setFilters({ segmentation: event.currentTarget.value })}>
              {layers.map((one) => (
                <option key={one.name}>{one.name}</option>
              ))}
            </select>
          )}
        </Field>
      )}
      {(["inside", "outside"] as const).map((side) => (
        <Field key={side} label={t(`search.${side}`)}>
          {(id) => (
            <div class="row nowrap">
              <input
                id={id} class="wide" value={(side === "inside" ? inside : outside).join(" ")} placeholder={t("search.segment_ids")}
                onChange={(event) => setFilters({ [side]: segmentsIn(event.currentTarget.value), segmentation: name })}
              />
              <Button
                title={t("search.selected_hint")}
                onClick={() => setFilters({ [side]: selected(), segmentation: name })}
              >
                {t("search.selected")}
              </Button>
            </div>
          )}
        </Field>
      ))}
      <p class="hint">{t("search.segments_hint")}</p>
    </fieldset>
  );
}

// What of the filters is in use, in a few words.
function summary(): string {
  const { filters } = state.value;
  const parts = [
    filters.datasets.length > 0 && t("search.n_datasets", { n: filters.datasets.length }),
    filters.region !== null && t("search.region_set"),
    filters.distance_nm !== null && t("search.distance_set", { nm: Math.round(filters.distance_nm) }),
    filters.inside.length > 0 && t("search.n_inside", { n: filters.inside.length }),
    filters.outside.length > 0 && t("search.n_outside", { n: filters.outside.length }),
    filters.exact && t("search.exact"),
  ].filter((part) => part !== false);
  return parts.length > 0 ? parts.join(", ") : t("search.no_filters");
}

export function FiltersForm({ dataset }: { dataset: Dataset }) {
  const [open, setOpen] = useState(false);
  const { exact, k } = state.value.filters;
  const places = embeddings.value[dataset.name]?.places;
  return (
    <details class="filters" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>{t("search.filters")}</h2> <span class="quiet">{summary()}</span>
      </summary>
      {open && (
        <div class="fields">
          <Datasets dataset={dataset} />
          <RegionFields dataset={dataset} />
          <Distance dataset={dataset} />
          <Segments dataset={dataset} />
          <div class="row">
            <label class="check" title={t("search.exact_hint")}>
              <input type="checkbox" checked={exact} onChange={(event) => setFilters({ exact: event.currentTarget.checked })} />
              {t("search.exact_label")}
            </label>
            <label class="check">
              {t("search.per_page")}
              <select value={String(k)} onChange={(event) => setFilters({ k: Number(event.currentTarget.value) })}>
                {[...new Set([...PAGE_SIZES, k])].sort((a, b) => a - b).map((size) => (
                  <option key={size}>{size}</option>
                ))}
              </select>
            </label>
          </div>
          {places !== undefined && <p class="hint">{t("search.places", { n: count(places) })}</p>}
        </div>
      )}
    </details>
  );
}
