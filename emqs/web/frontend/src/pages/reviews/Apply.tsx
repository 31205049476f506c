// Accepted merges become part of the segmentation, for all.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import { hasRole, type Dataset } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Button, Confirm, tell, useLoaded } from "../../ui";

interface Waits {
  layer: string;
  version: string;
  table: Record<string, string>;
  pulls: string[];
}

interface Props {
  dataset: Dataset;
  reload: () => Promise<void>;
}

export function Apply({ dataset, reload }: Props) {
  const layers = dataset.layers.filter((layer) => layer.kind === "segmentation" && !layer.own);
  const waiting = useLoaded<Waits[]>(
    () =>
      Promise.all(
        layers.map(async ({ name }) => {
          const answer = await request<Omit<Waits, "layer">>(
            `${path(dataset.name)}/equivalences/${encodeURIComponent(name)}`,
          );
          return { ...answer, layer: name };
        }),
      ),
    [dataset.name, dataset.revision],
  );
  const [asked, setAsked] = useState<Waits | null>(null);
  if (!hasRole(dataset, "reviewer")) return null;
  const full = waiting.value?.filter((one) => one.pulls.length > 0) ?? [];
  if (waiting.error) return <p class="problem">{waiting.error}</p>;
  if (full.length === 0) return null;
  async function publish({ layer }: Waits): Promise<void> {
    const root = `${path(dataset.name)}/equivalences/${encodeURIComponent(layer)}/publish`;
    const { version } = await request<{ version: string }>(root, { method: "POST" });
    tell(t("pull.published", { layer, version }));
    await Promise.all([loadDatasets(), reload(), waiting.reload()]);
  }
  async function write({ layer }: Waits): Promise<void> {
    await request(`${path(dataset.name)}/jobs`, { body: { kind: "label-apply", settings: { layer } } });
    tell(t("pull.writing", { layer }));
  }
  const manages = hasRole(dataset, "manager");
  return (
    <section class="box" aria-label={t("pull.apply")}>
      <h2>{t("pull.apply")}</h2>
      <p class="hint">{manages ? t("pull.apply_about") : t("pull.write_about")}</p>
      {full.map((one) => (
        <p key={one.layer} class="row">
          <span class="grow">
            {t("pull.waits", { layer: one.layer, n: one.pulls.length, segments: Object.keys(one.table).length })}
          </span>
          {manages && (
            <Button kind="primary" onClick={() => setAsked(one)}>{t("pull.publish")}</Button>
          )}
          <Button onClick={() => void write(one).catch((error: Error) => tell(error.message, { kind: "error" }))}>
            {t("pull.write")}
          </Button>
        </p>
      ))}
      {asked && (
        <Confirm title={t("pull.publish_title", { layer: asked.layer })} action={t("pull.publish")}
          onClose={() => setAsked(null)} onConfirm={() => publish(asked)}>
          <p>{t("pull.publish_about")}</p>
        </Confirm>
      )}
    </section>
  );
}
