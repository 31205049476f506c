// Ways into and out of other programs: napari, label layers of one's own, links to the data.
import { useState } from "preact/hooks";
import { dataset as pathOf, request, url } from "../../api/client";
import { hasRole, type Dataset, type Layer } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Button, Dialog, Field, Message, tell, tellError } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { Links } from "../datasets/Links";
import { Upload } from "./Upload";

export function LayersTab({ dataset }: { dataset: Dataset }) {
  const mayWrite = hasRole(dataset, "annotator");
  return (
    <div class="layers">
      <Napari dataset={dataset} />
      <OwnLayers dataset={dataset} />
      {mayWrite && <Upload dataset={dataset} />}
      {mayWrite && (
        <section aria-label={t("layers.links")}>
          <h2>{t("layers.links")}</h2>
          <Links dataset={dataset} />
        </section>
      )}
    </div>
  );
}

function Napari({ dataset }: { dataset: Dataset }) {
  const [size, setSize] = useState(512);
  const [depth, setDepth] = useState(32);
  const [place, setPlace] = useState<{ z: number; y: number; x: number } | null>(null);
  const here = () => {
    const at = viewer.peek()?.centre();
    if (at === undefined) return null;
    const inside = (value: number, n: number) => Math.min(n - 1, Math.max(0, Math.floor(value)));
    const [z, y, x] = dataset.shape;
    return { z: inside(at.z, z), y: inside(at.y, y), x: inside(at.x, x) };
  };
  const fresh = () => setPlace(here());
  const query = { ...(place ?? here() ?? {}), size, depth };
  const number = (value: number, set: (next: number) => void, most: number, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      {(id) => (
        <input id={id} type="number" min={1} max={most} value={value}
          onInput={(event) => set(Math.max(1, Math.min(most, Number(event.currentTarget.value) || 1)))} />
      )}
    </Field>
  );
  return (
    <section aria-label="napari">
      <h2>napari</h2>
      <p class="hint">{t("layers.napari_hint")}</p>
      <div class="two">
        {number(size, setSize, 8192, t("layers.edge"))}
        {number(depth, setDepth, 4096, t("layers.slices"))}
      </div>
      <a class="button" download href={url(`${pathOf(dataset.name)}/napari.py`, query)}
        onMouseEnter={fresh} onFocus={fresh}>
        {t("layers.napari_download")}
      </a>
    </section>
  );
}

function OwnLayers({ dataset }: { dataset: Dataset }) {
  const [asks, setAsks] = useState<Layer | null>(null);
  const own = dataset.layers.filter((layer) => layer.own);
  async function remove(layer: Layer): Promise<void> {
    try {
      await request(`${pathOf(dataset.name)}/layers/${encodeURIComponent(layer.name)}`, { method: "DELETE" });
      viewer.peek()?.removeLayer(layer.name);
      await loadDatasets();
      tell(t("layers.deleted", { name: layer.name }));
    } catch (error) {
      tellError(error);
    }
    setAsks(null);
  }
  return (
    <section aria-label={t("layers.own")}>
      <h2>{t("layers.own")}</h2>
      {own.length === 0 && <p class="hint">{t("layers.none")}</p>}
      <ul class="groups">
        {own.map((layer) => (
          <li key={layer.name}>
            <span>{layer.name}</span>
            <Button onClick={() => void showLayer(dataset, layer.name).catch(tellError)}>{t("layers.show")}</Button>
            <Button kind="danger" aria-label={t("layers.delete_one", { name: layer.name })} onClick={() => setAsks(layer)}>
              {t("common.delete")}
            </Button>
          </li>
        ))}
      </ul>
      {asks && (
        <Dialog title={t("layers.delete_one", { name: asks.name })} onClose={() => setAsks(null)}>
          <Message kind="info">{t("layers.delete_asks")}</Message>
          <div class="row">
            <Button kind="danger" onClick={() => void remove(asks)}>{t("common.delete")}</Button>
            <Button onClick={() => setAsks(null)}>{t("common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

// Put a layer of the dataset into the viewer, or the new version of it.
export async function showLayer(dataset: Dataset, name: string, visible = true): Promise<void> {
  const state = await request<{ layers: ({ name: string } & Record<string, unknown>)[] }>(
    `${pathOf(dataset.name)}/state`,
  );
  const description = state.layers.find((layer) => layer.name === name);
  if (description !== undefined) viewer.peek()?.addLayer({ ...description, visible });
}
