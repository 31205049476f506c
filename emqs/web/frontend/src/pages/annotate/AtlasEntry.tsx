// An own entry of the atlas with its discussion.
import { useEffect, useState } from "preact/hooks";
import { dataset as pathOf, request } from "../../api/client";
import { t } from "../../i18n";
import { Button, Field, Message, Spinner, tell } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { when } from "./format";
import type { Fields, Triple } from "./model";
import { position } from "./model";
import type { Store } from "./store";

export interface AtlasEntry extends Pick<Fields, "kind" | "title" | "description" | "tags"> {
  id: string;
  annotation_id: string;
  annotation_revision: number;
  state: string;
  revision: number;
  created: string;
  changed: string;
  reviewer: string | null;
  place: Triple;
  snapshot: string;
}

interface Line {
  user: string;
  at: string;
  text: string;
  action: string; // comment, or the state that was reached
}

interface Props {
  store: Store;
  entry: AtlasEntry;
  onChange: () => void;
}

export function Entry({ store, entry, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const path = `${pathOf(store.dataset.name)}/atlas/${entry.id}`;
  async function act(step: () => Promise<unknown>, done: string): Promise<void> {
    try {
      await step();
      setError(null);
      tell(done);
      onChange();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  const withdraw = () =>
    act(() => request(`${path}/withdraw`, { body: { text: "" } }), t("annotate.withdrawn"));
  const again = () =>
    act(async () => {
      const now = await store.one(entry.annotation_id);
      await request(`${pathOf(store.dataset.name)}/atlas`, { body: { annotation: now.id, revision: now.revision } });
    }, t("annotate.submitted"));
  const may = store.mayWrite;
  return (
    <li class="entry">
      <img src={entry.snapshot} width="96" height="96" loading="lazy" alt="" />
      <div>
        <h3>
          <button type="button" class="open" onClick={() => viewer.peek()?.go(position(entry.place))}>
            {entry.title}
          </button>{" "}
          <span class={`state ${entry.state}`}>{t(`annotate.state_${entry.state}` as "annotate.state_accepted")}</span>
        </h3>
        <p class="description">{entry.description}</p>
        <p class="hint">
          {when(entry.changed)}
          {entry.reviewer && `, ${t("annotate.reviewed_by", { name: entry.reviewer })}`}
        </p>
        {error && <Message kind="error">{error}</Message>}
        <div class="row">
          <Button aria-expanded={open} onClick={() => setOpen(!open)}>{t("annotate.discussion")}</Button>
          {may && ["submitted", "changes_requested", "accepted"].includes(entry.state) && (
            <Button onClick={() => void withdraw()}>{t("annotate.withdraw")}</Button>
          )}
          {may && ["changes_requested", "rejected", "withdrawn"].includes(entry.state) && (
            <Button onClick={() => void again()}>{t("annotate.submit_again")}</Button>
          )}
          <Button kind="quiet" onClick={() => store.look(entry.annotation_id)}>{t("annotate.edit")}</Button>
        </div>
        {open && <Discussion path={path} stamp={entry.revision} />}
      </div>
    </li>
  );
}

// What was said, by whom, and a line to say more; of atlas entries and of pull requests.
export function Discussion({ path, stamp }: { path: string; stamp: number }) {
  const [lines, setLines] = useState<Line[] | null>(null);
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  async function load(): Promise<void> {
    try {
      setLines((await request<{ discussion: Line[] }>(path)).discussion);
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  useEffect(() => void load(), [path, stamp]);
  async function say(event: Event): Promise<void> {
    event.preventDefault();
    try {
      await request(`${path}/comments`, { body: { text } });
      setText("");
      setError(null);
      await load();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <div class="discussion">
      {lines === null && !error && <Spinner />}
      <ol>
        {lines?.map((line) => (
          <li key={line.at}>
            <strong>{line.user}</strong> <span class="hint">{when(line.at)}</span>
            {line.action !== "comment" && (
              <> <span class={`state ${line.action}`}>{t(`annotate.state_${line.action}` as "annotate.state_accepted")}</span></>
            )}
            {line.text && <p>{line.text}</p>}
          </li>
        ))}
      </ol>
      {error && <Message kind="error">{error}</Message>}
      <form onSubmit={say}>
        <Field label={t("annotate.comment")}>
          {(id) => <textarea id={id} rows={2} value={text} onInput={(e) => setText(e.currentTarget.value)} />}
        </Field>
        <Button type="submit" disabled={text.trim() === ""}>{t("annotate.comment_do")}</Button>
      </form>
    </div>
  );
}
