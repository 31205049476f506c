// One's own entries of the atlas: submitted, talked about, taken back, submitted again.
import { useEffect, useState } from "preact/hooks";
import { dataset as pathOf, request } from "../../api/client";
import { count, t } from "../../i18n";
import { Area, Button, Field, Form, Message, Spinner, tell, Text } from "../../ui";
import { useCurrent } from "./AnnotationsTab";
import { Entry, type AtlasEntry } from "./AtlasEntry";
import { placeText } from "./format";
import { type Row, type Triple } from "./model";
import type { Store } from "./store";

export function AtlasTab({ store }: { store: Store }) {
  const [entries, setEntries] = useState<AtlasEntry[] | null>(null);
  const [after, setAfter] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  async function load(cursor: string | null = null): Promise<void> {
    try {
      const page = await request<{ entries: AtlasEntry[]; after: string | null }>("/atlas", {
        query: { dataset: store.dataset.name, owner: store.mine, limit: 20, after: cursor },
      });
      setEntries((old) => (cursor === null ? page.entries : [...(old ?? []), ...page.entries]));
      setAfter(page.after);
      setError(null);
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  useEffect(() => void load(), [store]);
  return (
    <>
      {store.mayWrite && <Submit store={store} onDone={() => void load()} />}
      <h2>{t("annotate.own_entries")}</h2>
      {error && <Message kind="error">{error} <Button onClick={() => void load()}>{t("common.retry")}</Button></Message>}
      {entries === null && !error && <Spinner />}
      {entries?.length === 0 && <p class="hint">{t("annotate.no_entries")}</p>}
      <ul class="entries">
        {entries?.map((entry) => (
          <Entry key={entry.id} store={store} entry={entry} onChange={() => void load()} />
        ))}
      </ul>
      {after && <Button onClick={() => void load(after)}>{t("common.more")}</Button>}
    </>
  );
}

// The annotation that is looked at, with what the atlas asks of it.
function Submit({ store, onDone }: { store: Store; onDone: () => void }) {
  const current = useCurrent(store);
  const own = (store.rows.value ?? []).filter((row) => row.owner === store.mine);
  const row = current?.owner === store.mine ? current : null;
  const options = row !== null && !own.some((one) => one.id === row.id) ? [row, ...own] : own;
  return (
    <section class="submit" aria-label={t("annotate.submit")}>
      <h2>{t("annotate.submit")}</h2>
      <p class="hint">{t("annotate.submit_hint")}</p>
      <Field label={t("annotate.annotation")} hint={options.length === 0 ? t("annotate.none_yet") : undefined}>
        {(id) => (
          <select id={id} value={row?.id ?? ""} onChange={(event) => store.look(event.currentTarget.value || null)}>
            <option value="">{t("annotate.choose")}</option>
            {options.map((one) => (
              <option key={one.id} value={one.id}>
                {one.title || t(`annotate.${one.kind}`)} ({placeText(one.points[0] as Triple)})
              </option>
            ))}
          </select>
        )}
      </Field>
      {row !== null && <Words key={row.id + row.revision} store={store} row={row} onDone={onDone} />}
    </section>
  );
}

function Words({ store, row, onDone }: { store: Store; row: Row; onDone: () => void }) {
  const [title, setTitle] = useState(row.title);
  const [description, setDescription] = useState(row.description);
  const pending = row.atlas_state !== "" && title === row.title && description === row.description;
  const waits = pending && ["submitted", "accepted"].includes(row.atlas_state);
  async function send(): Promise<void> {
    await store.edit(row, { title, description });
    const now = await store.one(row.id);
    await request(`${pathOf(store.dataset.name)}/atlas`, { body: { annotation: row.id, revision: now.revision } });
    tell(t("annotate.submitted"));
    await store.refresh(row.id);
    onDone();
  }
  return (
    <Form action={t(row.atlas_state ? "annotate.submit_again" : "annotate.submit_do")} send={send}
      disabled={!title.trim() || !description.trim() || waits}>
      {row.atlas_state && (
        <p class="hint">{t("annotate.is_now", { state: t(`annotate.state_${row.atlas_state}` as "annotate.state_accepted") })}</p>
      )}
      <Field label={t("annotate.title")}>
        {(id) => <Text id={id} required value={title} set={setTitle} maxLength={400} />}
      </Field>
      <Field label={t("annotate.column_description")} hint={t("annotate.letters", { n: count(description.length) })}>
        {(id) => <Area id={id} rows={3} value={description} set={setDescription} />}
      </Field>
    </Form>
  );
}
