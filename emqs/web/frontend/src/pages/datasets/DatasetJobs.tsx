// Jobs of a dataset: start one, see how far it is.
import { dataset as path, request } from "../../api/client";
import type { Dataset, Job } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Message, tell, tellError, usePaged } from "../../ui";
import { JobList, kindName } from "../jobs/JobList";
import { NewJob } from "../jobs/NewJob";

const PAGE = 20;

export function DatasetJobs({ dataset }: { dataset: Dataset }) {
  const jobs = usePaged<Job>(
    async (before, signal) => {
      const query = { before, limit: PAGE };
      const { jobs: rows } = await request<{ jobs: Job[] }>(`${path(dataset.name)}/jobs`, { query, signal });
      return { rows, after: rows.length === PAGE ? rows[rows.length - 1].id : null };
    },
    [dataset.name],
  );
  function done(job: Job): void {
    tell(t("job.done", { name: kindName(job.kind) }));
    loadDatasets().catch(tellError); // it may have made a layer
  }
  return (
    <>
      {!dataset.searchable && <Message kind="info">{t("dataset.make_searchable")}</Message>}
      <NewJob dataset={dataset} onQueued={jobs.reload} first={dataset.searchable ? undefined : "embed"} />
      <h2>{t("settings.jobs")}</h2>
      <JobList jobs={jobs} onDone={done} />
    </>
  );
}
