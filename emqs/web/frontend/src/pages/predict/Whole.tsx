// The same examples on the whole volume: a job, whose result becomes two layers and a table.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import { hasRole, type Dataset, type Job } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Field, Form, Text, tell, tellError, usePaged } from "../../ui";
import { showLayer } from "../annotate/LayersTab";
import { JobList, kindName } from "../jobs/JobList";
import { examples, threshold } from "./store";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const PAGE = 50;

async function show(dataset: Dataset, job: Job): Promise<void> {
  await loadDatasets();
  const { layer, objects } = job.result ?? {};
  if (typeof layer === "string") await showLayer(dataset, layer, false); // what is predicted in view lies over it
  if (typeof objects === "string") await showLayer(dataset, objects);
  tell(t("predict.shown", { name: String(job.result?.layer ?? "") }));
}

export function Whole({ dataset }: { dataset: Dataset }) {
  const [name, setName] = useState("prediction");
  const jobs = usePaged<Job>(
    async (before, signal) => {
      const { jobs: rows } = await request<{ jobs: Job[] }>("/jobs", { query: { before, limit: PAGE }, signal });
      const own = rows.filter((job) => job.kind === "predict" && job.dataset === dataset.name);
      return { rows: own, after: rows.length === PAGE ? (rows[rows.length - 1]?.id ?? null) : null };
    },
    [dataset.name],
  );
  const may = hasRole(dataset, "annotator");
  const taken = dataset.layers.some((layer) => layer.name === name || layer.name === `${name}-objects`);
  const named = NAME.test(name);
  const layer = dataset.layers.find((one) => one.kind === "embedding")?.name;
  async function send(): Promise<void> {
    const settings = {
      layer, name, threshold: threshold.value,
      positives: examples.value.positives.map(({ z, y, x }) => [z, y, x]),
      negatives: examples.value.negatives.map(({ z, y, x }) => [z, y, x]),
    };
    await request(`${path(dataset.name)}/jobs`, { body: { kind: "predict", settings } });
    tell(t("job.queued", { name: kindName("predict") }));
    await jobs.reload();
  }
  const hint = taken ? t("predict.name_taken") : named ? undefined : t("predict.name_hint");
  return (
    <section class="whole" aria-labelledby="whole-title">
      <h2 id="whole-title">{t("predict.whole")}</h2>
      <p class="hint">{may ? t("predict.whole_hint") : t("predict.whole_denied")}</p>
      {may && (
        <Form action={t("predict.run")} send={send} disabled={!named || taken || examples.value.positives.length === 0}>
          <Field label={t("predict.name")} hint={hint}>
            {(id) => <Text id={id} value={name} set={setName} maxLength={64} />}
          </Field>
        </Form>
      )}
      {may && jobs.rows !== undefined && jobs.rows.length > 0 && (
        <>
          <h3>{t("predict.jobs")}</h3>
          <JobList jobs={jobs} onDone={(job) => show(dataset, job).catch(tellError)} />
        </>
      )}
    </section>
  );
}
