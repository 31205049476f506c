// Everybody's jobs.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Job } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Button, Choice, stateWord, tell, tellError, usePaged } from "../../ui";
import { JobList, kindName } from "../jobs/JobList";
import { NewJob } from "../jobs/NewJob";

const PAGE = 20;
const STATES = ["queued", "running", "done", "failed", "cancelled"] as const;

export function AdminJobs() {
  const [state, setState] = useState<string>("");
  const jobs = usePaged<Job>(
    async (before, signal) => {
      const query = { before, limit: PAGE, state: state === "" ? null : state };
      const { jobs: rows } = await request<{ jobs: Job[] }>("/jobs", { query, signal });
      return { rows, after: rows.length === PAGE ? rows[rows.length - 1].id : null };
    },
    [state],
  );
  function done(job: Job): void {
    tell(t("job.done", { name: kindName(job.kind) }));
    loadDatasets().catch(tellError);
  }
  return (
    <>
      <div class="row filter-bar">
        <Choice label={t("atlas.state")} value={state} set={setState}
          options={[["", t("admin.all_states")], ...STATES.map((one) => [one, stateWord(one)] as const)]} />
        <Button onClick={() => void jobs.reload()}>{t("common.refresh")}</Button>
      </div>
      <JobList jobs={jobs} onDone={done} />
      <details>
        <summary>{t("admin.new_job")}</summary>
        <NewJob dataset={null} onQueued={jobs.reload} />
      </details>
    </>
  );
}
