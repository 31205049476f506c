// One's saved searches: opened, run again, compared, exported, deleted.
import { useEffect, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address, go } from "../../router";
import { Button, Message, Spinner, tell, tellError } from "../../ui";
import { EditSaved } from "./EditSaved";
import { SavedExports } from "./ExportMenu";
import { enter, open, runSaved } from "./store";
import type { Saved, SavedWhole } from "./types";

interface Page {
  searches: Saved[];
  after: string | null;
}

function describe({ question }: Saved): string {
  const parts = [t("saved.n_positives", { n: question.positives.length })];
  if (question.negatives?.length) parts.push(t("saved.n_negatives", { n: question.negatives.length }));
  if (question.region_nm) parts.push(t("search.region_set"));
  if (question.inside?.length || question.outside?.length) parts.push(t("search.segments"));
  if (question.datasets?.length) parts.push([...(question.only ?? question.datasets)].join(", "));
  return parts.join(", ");
}

interface RowProps {
  saved: Saved;
  dataset: Dataset;
  ticked: boolean;
  onTick: (on: boolean) => void;
  onChange: (saved: Saved) => void;
  onDelete: () => void;
}

function Row({ saved, dataset, ticked, onTick, onChange, onDelete }: RowProps) {
  const [editing, setEditing] = useState(false);
  const title = saved.title || t("saved.untitled");
  const url = `${path(dataset.name)}/searches/${encodeURIComponent(saved.id)}`;
  const page = address("d", dataset.name, "search");
  async function openIt(): Promise<void> {
    const whole = await request<SavedWhole>(url);
    enter(dataset.name);
    open(whole, dataset.name);
    go(page);
  }
  async function runIt(): Promise<void> {
    enter(dataset.name);
    go(page);
    await runSaved(saved, dataset.name);
  }
  return (
    <li class="saved">
      <div class="row nowrap">
        <input type="checkbox" checked={ticked} aria-label={t("saved.tick", { title })} onChange={(event) => onTick(event.currentTarget.checked)} />
        <button type="button" class="link" onClick={() => openIt().catch(tellError)}>{title}</button>
        <time dateTime={saved.created} class="quiet">{new Date(saved.ran ?? saved.created).toLocaleString()}</time>
      </div>
      <p class="quiet">{describe(saved)}</p>
      {saved.note && <p class="note">{saved.note}</p>}
      <div class="row tight" role="group" aria-label={title}>
        <Button kind="quiet" onClick={() => runIt().catch(tellError)}>{t("saved.run")}</Button>
        <Button kind="quiet" onClick={() => setEditing(true)}>{t("saved.edit")}</Button>
        <SavedExports dataset={dataset.name} id={saved.id} />
        <Button kind="quiet" class="danger" onClick={onDelete}>{t("common.delete")}</Button>
      </div>
      {editing && <EditSaved saved={saved} url={url} onClose={() => setEditing(false)} onChange={onChange} />}
    </li>
  );
}

export function SavedList({ dataset }: { dataset: Dataset }) {
  const [page, setPage] = useState<Page | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const root = `${path(dataset.name)}/searches`;
  async function load(after: string | null): Promise<void> {
    setError(null);
    try {
      const next = await request<Page>(root, { query: { after } });
      setPage((before) => ({ searches: [...(after === null ? [] : (before?.searches ?? [])), ...next.searches], after: next.after }));
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  useEffect(() => {
    setPage(null);
    setTicked([]);
    void load(null);
  }, [dataset.name]);
  const replace = (saved: Saved) =>
    setPage((before) => before && { ...before, searches: before.searches.map((one) => (one.id === saved.id ? saved : one)) });
  async function remove(saved: Saved): Promise<void> {
    await request(`${root}/${encodeURIComponent(saved.id)}`, { method: "DELETE", headers: { "If-Match": `"${saved.revision}"` } });
    setPage((before) => before && { ...before, searches: before.searches.filter((one) => one.id !== saved.id) });
    setTicked((before) => before.filter((id) => id !== saved.id));
    const back = () =>
      request(`${root}/${encodeURIComponent(saved.id)}/restore`, { method: "POST" }).then(() => load(null), tellError);
    tell(t("saved.deleted", { title: saved.title }), { action: { label: t("search.undo"), run: () => void back() } });
  }
  const tick = (id: string, on: boolean) => setTicked((before) => (on ? [...before.filter((one) => one !== id), id].slice(-2) : before.filter((one) => one !== id)));
  const [first, second] = ticked;
  return (
    <section aria-labelledby="saved-title">
      <div class="row spread">
        <h2 id="saved-title">{t("saved.list")}</h2>
        <Button
          disabled={first === undefined || second === undefined}
          title={t("saved.compare_hint")}
          onClick={() => go(address("d", dataset.name, "search", "compare", first ?? "", second ?? "") + location.hash)}
        >
          {t("saved.compare")}
        </Button>
      </div>
      {error && (
        <Message kind="error">
          {error} <Button onClick={() => void load(null)}>{t("common.retry")}</Button>
        </Message>
      )}
      {page === null && error === null && <Spinner />}
      {page?.searches.length === 0 && <Message kind="info">{t("saved.none")}</Message>}
      <ul class="saved-list">
        {page?.searches.map((saved) => (
          <Row
            key={saved.id}
            saved={saved}
            dataset={dataset}
            ticked={ticked.includes(saved.id)}
            onTick={(on) => tick(saved.id, on)}
            onChange={replace}
            onDelete={() => remove(saved).catch(tellError)}
          />
        ))}
      </ul>
      {page?.after && <Button onClick={() => void load(page.after)}>{t("common.more")}</Button>}
    </section>
  );
}
