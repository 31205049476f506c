// Who does jobs now.
import { request } from "../../api/client";
import { t } from "../../i18n";
import { Button, Empty, Heads, Time, useLoaded, Waiting } from "../../ui";
import { kindName } from "../jobs/JobList";

interface Worker {
  id: string;
  host: string;
  pid: number;
  kinds: string[];
  job_id: string | null;
  started: number;
  heartbeat: number;
}

export function Workers() {
  const workers = useLoaded(async () => (await request<{ workers: Worker[] }>("/jobs/workers")).workers, []);
  if (workers.value === undefined) return <Waiting error={workers.error} retry={workers.reload} />;
  return (
    <>
      <p class="row">
        <span class="hint grow">{t("worker.about")}</span>
        <Button onClick={() => void workers.reload()}>{t("common.refresh")}</Button>
      </p>
      {workers.value.length === 0 && <Empty>{t("worker.none")}</Empty>}
      {workers.value.length > 0 && (
        <div class="scroll-x">
          <table aria-label={t("admin.workers")}>
            <Heads words={["worker.host", "worker.pid", "worker.kinds", "worker.job", "worker.started", "worker.heartbeat"]} />
            <tbody>
              {workers.value.map((worker) => (
                <tr key={worker.id}>
                  <td>{worker.host}</td>
                  <td>{worker.pid}</td>
                  <td>{worker.kinds.map(kindName).join(", ")}</td>
                  <td>{worker.job_id === null ? t("worker.idle") : <a href="/admin/jobs">{t("worker.busy")}</a>}</td>
                  <td><Time time={worker.started} /></td>
                  <td><Time time={worker.heartbeat} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
