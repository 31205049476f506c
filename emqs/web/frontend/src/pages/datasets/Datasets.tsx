// All datasets that one may know of.
import { useEffect, useState } from "preact/hooks";
import { hasRole, type Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { address } from "../../router";
import { datasets, isAdmin, loadDatasets, me } from "../../session";
import { Button, Empty, tellError } from "../../ui";
import { AddDataset } from "./AddDataset";
import { length, overview, triple } from "./place";
import "../../styles/datasets.css";

export function Datasets() {
  const [adding, setAdding] = useState(false);
  const [text, setText] = useState("");
  useEffect(() => {
    loadDatasets().catch(tellError); // somebody may have added one since
  }, []);
  const sought = text.trim().toLowerCase();
  const shown = datasets.value.filter((one) =>
    `${one.name} ${one.title} ${one.description}`.toLowerCase().includes(sought),
  );
  return (
    <div class="page">
      <div class="row head">
        <h1 class="grow">{t("nav.datasets")}</h1>
        {datasets.value.length > 6 && (
          <input type="search" aria-label={t("dataset.filter")} placeholder={t("dataset.filter")} value={text}
            onInput={(event) => setText(event.currentTarget.value)} />
        )}
        {isAdmin.value && (
          <Button kind="primary" onClick={() => setAdding(true)}>
            {t("dataset.add")}
          </Button>
        )}
      </div>
      {datasets.value.length === 0 && <Empty>{isAdmin.value ? t("dataset.none_admin") : t("dataset.none")}</Empty>}
      {datasets.value.length > 0 && shown.length === 0 && <Empty>{t("dataset.none_fit")}</Empty>}
      <ul class="tiles dataset-tiles">
        {shown.map((dataset) => (
          <li key={dataset.name} class="tile" aria-label={dataset.title || dataset.name}>
            <Card dataset={dataset} />
          </li>
        ))}
      </ul>
      {!isAdmin.value && (
        <details class="how-to">
          <summary>{t("dataset.how")}</summary>
          <p>{t("dataset.how_about")}</p>
          <p>
            <code>emqs dataset add NAME volume=PATH home=HOME</code>
          </p>
          <p>{t("dataset.how_access", { name: me.value?.name ?? "" })}</p>
        </details>
      )}
      {adding && <AddDataset onClose={() => setAdding(false)} />}
    </div>
  );
}

const PICTURE = { width: 320, height: 200 };

function Card({ dataset }: { dataset: Dataset }) {
  const [failed, setFailed] = useState(false);
  const extent = dataset.shape.map((n, axis) => length(n * dataset.voxel_size_nm[axis]));
  const layers = dataset.layers.filter((layer) => layer.kind === "segmentation").length;
  return (
    <>
      {failed ? (
        <p class="no-picture">{t("dataset.no_picture")}</p>
      ) : (
        <img {...PICTURE} loading="lazy" src={overview(dataset, PICTURE.width, PICTURE.height)} alt=""
          onError={() => setFailed(true)} />
      )}
      <h2>
        <a class="covers" href={address("d", dataset.name, "search")}>
          {dataset.title || dataset.name}
        </a>
      </h2>
      {dataset.description && <p class="summary">{dataset.description}</p>}
      <dl class="fact-list">
        <dt>{t("dataset.name")}</dt>
        <dd>{dataset.name}</dd>
        <dt>{t("dataset.shape")}</dt>
        <dd>
          {triple(dataset.shape)} <span class="hint">({extent.join(" × ")})</span>
        </dd>
        <dt>{t("dataset.voxel")}</dt>
        <dd>{triple(dataset.voxel_size_nm, 2)} nm</dd>
        <dt>{t("dataset.role")}</dt>
        <dd>{dataset.role ? t(`role.${dataset.role}`) : t("role.none")}</dd>
      </dl>
      <p class="row badges">
        <span class={`badge ${dataset.searchable ? "good" : "past"}`}>
          <span aria-hidden="true">{dataset.searchable ? "✓" : "–"}</span>{" "}
          {dataset.searchable ? t("dataset.searchable") : t("dataset.not_searchable")}
        </span>
        <span class="badge past">{t(`visibility.${dataset.visibility}`)}</span>
        {layers > 0 && <span class="badge past">{t("dataset.segmentations", { n: count(layers) })}</span>}
      </p>
      {hasRole(dataset, "manager") && (
        <a class="button above" href={address("d", dataset.name, "settings", "about")}
          aria-label={t("dataset.settings_of", { name: dataset.title || dataset.name })}>
          {t("dataset.settings")}
        </a>
      )}
    </>
  );
}
