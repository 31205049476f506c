// Jobs with their progress; cancel, retry, log and what was made.
import { useState } from "preact/hooks";
import { request, url } from "../../api/client";
import type { Job } from "../../api/types";
import { count, t, type Word } from "../../i18n";
import { strings } from "../../i18n/strings";
import { address } from "../../router";
import { me } from "../../session";
import { Button, Dialog, Empty, State, tell, tellError, Time, Waiting } from "../../ui";
import type { Paged } from "../../ui/load";
import { hasEnded, useJob, useLog } from "./follow";
import "../../styles/jobs.css";

export function kindName(kind: string): string {
  const word = `job.${kind}`;
  return word in strings ? t(word as Word) : kind;
}

interface ListProps {
  jobs: Paged<Job>;
  onDone?: (job: Job) => void;
}

export function JobList({ jobs, onDone }: ListProps) {
  const [shown, setShown] = useState<Job | null>(null);
  if (jobs.rows === undefined) return <Waiting error={jobs.error} retry={jobs.reload} />;
  if (jobs.rows.length === 0) return <Empty>{t("job.none")}</Empty>;
  function ended(job: Job): void {
    jobs.replace(job);
    if (job.state === "done") onDone?.(job);
  }
  return (
    <>
      <ul class="job-list" aria-label={t("settings.jobs")}>
        {jobs.rows.map((job) => (
          <li key={job.id} class="tile">
            <JobRow job={job} onEnd={ended} reload={jobs.reload} onLog={() => setShown(job)} />
          </li>
        ))}
      </ul>
      {jobs.hasMore && (
        <Button disabled={jobs.busy} onClick={() => void jobs.more()}>
          {t("common.more")}
        </Button>
      )}
      {shown && <Log job={shown} onClose={() => setShown(null)} />}
    </>
  );
}

interface RowProps {
  job: Job;
  onEnd: (job: Job) => void;
  reload: () => Promise<void>;
  onLog: () => void;
}

function JobRow({ job: given, onEnd, reload, onLog }: RowProps) {
  const job = useJob(given, onEnd);
  const mine = me.value?.is_admin || job.owner === me.value?.name; // the server shows others' jobs to nobody
  const name = kindName(job.kind);
  async function act(path: string, method: string): Promise<void> {
    try {
      await request(`/jobs/${job.id}${path}`, { method });
      await reload();
    } catch (error) {
      tellError(error);
    }
  }
  return (
    <>
      <div class="row">
        <h3>{name}</h3>
        <State state={job.state} />
        <span class="grow hint">
          {job.owner} {job.dataset && `· ${job.dataset}`} · <Time time={job.created} />
          {job.attempts > 1 && ` · ${t("job.attempt", { n: job.attempts, most: job.most_attempts })}`}
        </span>
      </div>
      {job.state === "running" && (
        <div class="row">
          <progress value={job.progress} max={1} aria-label={t("job.progress_of", { name })} />
          <span>{count(Math.round(job.progress * 100))} %</span>
          <span class="hint">{job.progress_text}</span>
        </div>
      )}
      <p class="hint settings">{summary(job.settings)}</p>
      {job.error && <p class="problem">{job.error}</p>}
      {mine && (
        <div class="row">
          <Button onClick={onLog} aria-label={t("job.log_of", { name })}>{t("job.log")}</Button>
          {!hasEnded(job) && (
            <Button kind="danger" disabled={job.cancel_requested} onClick={() => void act("", "DELETE")}
              aria-label={t("job.cancel_one", { name })}>
              {job.cancel_requested ? t("job.cancelling") : t("job.cancel")}
            </Button>
          )}
          {(job.state === "failed" || job.state === "cancelled") && (
            <Button onClick={() => void act("/retry", "POST").then(() => tell(t("job.queued", { name })))}>
              {t("job.retry")}
            </Button>
          )}
          {job.state === "done" && job.kind === "embed" && job.dataset && (
            <a class="button" href={address("d", job.dataset, "search")}>{t("job.search_it")}</a>
          )}
          {job.state === "done" && typeof job.result?.file === "string" && (
            <a class="button" href={url(`/jobs/${job.id}/file`)} download={job.result.file}>
              {t("job.file")}
            </a>
          )}
        </div>
      )}
    </>
  );
}

// Settings in one line, those that are not set left out.
export function summary(settings: Record<string, unknown>): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" · ")
    .slice(0, 300);
}

function Log({ job, onClose }: { job: Job; onClose: () => void }) {
  const lines = useLog(job.id);
  return (
    <Dialog title={t("job.log_of", { name: kindName(job.kind) })} onClose={onClose}>
      {lines.length === 0 && <Empty>{t("job.no_log")}</Empty>}
      <pre class="job-log" tabIndex={0} aria-label={t("job.log")}>
        {lines.map((line) => `${new Date(line.at * 1000).toLocaleTimeString("de")} ${line.text}\n`).join("")}
      </pre>
    </Dialog>
  );
}
