// Who changed what, and who was refused what.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t, type Word } from "../../i18n";
import { hash, keep } from "../../router";
import { datasets } from "../../session";
import { Button, Choice, Empty, Heads, Time, useLoaded, usePaged, Waiting } from "../../ui";
import type { Person } from "../account/People";

interface Entry {
  id: number;
  number: number;
  at: number;
  user: string | null;
  dataset: string | null;
  action: string;
  subject_id: string;
  address: string;
  outcome: string;
  details: { path: string; status: number; why?: string };
}

const PAGE = 50;
const OUTCOMES = ["done", "refused", "failed"] as const;

export function Audit() {
  const kept = (hash.value.audit ?? {}) as { user?: string; dataset?: string; outcome?: string };
  const [user, setUser] = useState(kept.user ?? "");
  const [dataset, setDataset] = useState(kept.dataset ?? "");
  const [outcome, setOutcome] = useState(kept.outcome ?? "");
  const people = useLoaded(() => request<{ users: Person[] }>("/users", { query: { limit: 500 } }), []);
  const entries = usePaged<Entry>(
    async (before, signal) => {
      const query = { user, dataset, outcome, before, limit: PAGE };
      const page = await request<{ entries: Omit<Entry, "id">[]; before: number | null }>("/audit", { query, signal });
      const rows = page.entries.map((entry) => ({ ...entry, id: entry.number }));
      return { rows, after: page.before === null ? null : String(page.before) };
    },
    [user, dataset, outcome],
  );
  function choose(next: { user?: string; dataset?: string; outcome?: string }): void {
    const now = { user, dataset, outcome, ...next };
    setUser(now.user);
    setDataset(now.dataset);
    setOutcome(now.outcome);
    keep("audit", now);
  }
  return (
    <>
      <div class="row filter-bar">
        <Choice label={t("audit.user")} value={user} set={(value) => choose({ user: value })}
          options={[["", t("audit.everybody")], ...(people.value?.users ?? []).map((one) => [one.id, one.name] as const)]} />
        <Choice label={t("nav.dataset")} value={dataset} set={(value) => choose({ dataset: value })}
          options={[["", t("token.all_datasets")], ...datasets.value.map((one) => [one.id, one.title] as const)]} />
        <Choice label={t("audit.outcome")} value={outcome} set={(value) => choose({ outcome: value })}
          options={[["", t("audit.all_outcomes")], ...OUTCOMES.map((one) => [one, t(`audit.${one}`)] as const)]} />
        <Button onClick={() => void entries.reload()}>{t("common.refresh")}</Button>
      </div>
      {entries.rows === undefined && <Waiting error={entries.error} retry={entries.reload} />}
      {entries.rows?.length === 0 && <Empty>{t("audit.none")}</Empty>}
      {entries.rows !== undefined && entries.rows.length > 0 && <AuditTable rows={entries.rows} />}
      {entries.hasMore && (
        <Button disabled={entries.busy} onClick={() => void entries.more()}>{t("common.more")}</Button>
      )}
    </>
  );
}

function AuditTable({ rows }: { rows: readonly Entry[] }) {
  return (
    <div class="scroll-x">
      <table aria-label={t("admin.audit")}>
        <Heads words={["audit.at", "audit.user", "audit.action", "audit.outcome", "audit.address"]} />
        <tbody>
          {rows.map((entry) => (
            <tr key={entry.number}>
              <td><Time time={entry.at} /></td>
              <td>{entry.user ?? t("audit.nobody")}</td>
              <td>
                <code class="break">{entry.action.split(" ")[0]} {entry.details.path.replace("/api/v1", "")}</code>
              </td>
              <td>
                <span class={`badge ${entry.outcome === "done" ? "good" : "bad"}`}>
                  <span aria-hidden="true">{entry.outcome === "done" ? "✓" : "✕"}</span>{" "}
                  {t(`audit.${entry.outcome}` as Word)} {entry.outcome === "done" ? "" : entry.details.status}
                </span>
                {entry.details.why && <span class="hint"> {entry.details.why}</span>}
              </td>
              <td>{entry.address}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
