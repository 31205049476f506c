// Files: what is in the list as a download, and a file that is looked over before it is taken in.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { count, t } from "../../i18n";
import { Button, Dialog, Field, Message, Spinner, tell } from "../../ui";
import type { Store } from "./store";

interface Report {
  format: string;
  written: boolean;
  counts: Partial<Record<Status, number>>;
  rows: { index: number; status: Status; id?: string; error?: string }[];
  rows_left_out: number;
}

const STATUSES = ["created", "updated", "unchanged", "existing", "failed", "not_written"] as const;
type Status = (typeof STATUSES)[number];
const FORMATS = ["csv", "json", "neuroglancer", "dvid", "napari"] as const;
const POINTS_ONLY = ["dvid", "napari"];
const MOST_SHOWN = 200;

interface Props {
  store: Store;
  what: "import" | "export";
  onClose: () => void;
}

export function Exchange({ store, what, onClose }: Props) {
  return (
    <Dialog title={t(`annotate.${what}_title`)} onClose={onClose}>
      {what === "import" ? <Import store={store} onClose={onClose} /> : <Export store={store} onClose={onClose} />}
    </Dialog>
  );
}

function Export({ store, onClose }: { store: Store; onClose: () => void }) {
  const [format, setFormat] = useState<(typeof FORMATS)[number]>("csv");
  const points = POINTS_ONLY.includes(format);
  const total = store.total.value;
  return (
    <>
      <p>
        {total && t(total.exact ? "annotate.export_count" : "annotate.export_count_more", { n: count(total.count) })}
      </p>
      <Field label={t("annotate.format")} hint={points ? t("annotate.points_only") : undefined}>
        {(id) => (
          <select id={id} value={format} onChange={(e) => setFormat(e.currentTarget.value as typeof format)}>
            {FORMATS.map((name) => <option key={name} value={name}>{t(`annotate.format_${name}`)}</option>)}
          </select>
        )}
      </Field>
      <p class="row">
        <a
          class="button primary"
          download
          href={store.exportUrl(format, points ? { kind: "point" } : {})}
          onClick={() => setTimeout(onClose)}
        >
          {t("annotate.download")}
        </a>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
      </p>
    </>
  );
}

function Import({ store, onClose }: { store: Store; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [copies, setCopies] = useState(false);
  const [report, setReport] = useState<Report | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function send(dry: boolean, chosen: File, asNew: boolean): Promise<void> {
    setBusy(true);
    setError(null);
    setReport(null);
    try {
      const got = await request<Report>(`${store.path}/import`, {
        body: chosen, method: "POST", query: { dry_run: dry, as_new: asNew },
      });
      setReport(got);
      if (!dry) {
        const n = (got.counts.created ?? 0) + (got.counts.updated ?? 0);
        tell(t("annotate.imported", { n: count(n) }));
        store.first();
        if (!got.counts.failed) onClose();
      }
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setBusy(false);
    }
  }
  const preview = report !== null && !report.written;
  const writes = (report?.counts.created ?? 0) + (report?.counts.updated ?? 0);
  return (
    <div class="import">
      <Field label={t("annotate.file")} hint={t("annotate.file_hint")}>
        {(id) => (
          <input
            id={id}
            type="file"
            accept=".csv,.json,.txt,text/csv,application/json"
            onChange={(event) => {
              const chosen = event.currentTarget.files?.[0] ?? null;
              setFile(chosen);
              setReport(null);
              if (chosen !== null) void send(true, chosen, copies);
            }}
          />
        )}
      </Field>
      <label>
        <input
          type="checkbox"
          checked={copies}
          onChange={(event) => {
            setCopies(event.currentTarget.checked);
            if (file !== null) void send(true, file, event.currentTarget.checked);
          }}
        />{" "}
        {t("annotate.as_new")}
      </label>
      {busy && <Spinner />}
      {error && <Message kind="error">{error}</Message>}
      {report && <Preview report={report} />}
      <div class="row">
        <Button
          kind="primary"
          disabled={!preview || writes === 0 || busy || file === null}
          onClick={() => file && void send(false, file, copies)}
        >
          {t("annotate.import_do", { n: count(preview ? writes : 0) })}
        </Button>
        <Button onClick={onClose}>{t(report?.written ? "common.close" : "common.cancel")}</Button>
      </div>
    </div>
  );
}

function Preview({ report }: { report: Report }) {
  const failed = report.rows.filter((row) => row.status === "failed");
  const notes = report.rows.filter((row) => row.status !== "failed" && row.error);
  return (
    <section aria-label={t("annotate.preview")}>
      <h3>{t(report.written ? "annotate.what_was_done" : "annotate.preview")}</h3>
      <p class="hint">{t("annotate.format")}: {t(`annotate.format_${report.format}` as "annotate.format_csv")}</p>
      <ul class="counts">
        {STATUSES.filter((name) => report.counts[name]).map((name) => (
          <li key={name} class={name === "failed" ? "bad" : ""}>
            {t(`annotate.status_${name}`, { n: count(report.counts[name] ?? 0) })}
          </li>
        ))}
        {Object.keys(report.counts).length === 0 && <li>{t("annotate.empty_file")}</li>}
      </ul>
      {failed.length > 0 && (
        <div class="table" tabIndex={0} role="region" aria-label={t("annotate.errors")}>
          <table>
            <thead>
              <tr><th scope="col">{t("annotate.row")}</th><th scope="col">{t("annotate.error")}</th></tr>
            </thead>
            <tbody>
              {[...failed, ...notes].slice(0, MOST_SHOWN).map((row) => (
                <tr key={row.index}><td class="number">{row.index + 1}</td><td>{row.error}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(failed.length > MOST_SHOWN || (report.counts.failed ?? 0) > failed.length) && (
        <p class="hint">{t("annotate.more_errors", { n: count((report.counts.failed ?? 0) - Math.min(failed.length, MOST_SHOWN)) })}</p>
      )}
    </section>
  );
}
