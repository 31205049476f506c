// Requests that one's merges are taken over for all.
import { useEffect, useState } from "preact/hooks";
import { dataset as pathOf, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { me } from "../../session";
import { Area, Button, Field, Form, Message, Spinner, tell, Text } from "../../ui";
import { Discussion } from "./AtlasEntry";
import { when } from "./format";
import type { Segments } from "./segments";

interface Pull {
  id: string;
  title: string;
  description: string;
  state: string;
  revision: number;
  changed: string;
  reviewer: string | null;
  layer: string | null;
}

interface Props {
  dataset: Dataset;
  segments: Segments;
  mayWrite: boolean;
}

export function Pulls({ dataset, segments, mayWrite }: Props) {
  const [pulls, setPulls] = useState<Pull[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const path = `${pathOf(dataset.name)}/pulls`;
  async function load(): Promise<void> {
    try {
      const query = { author: me.peek()?.name, layer: segments.layer };
      setPulls((await request<{ pulls: Pull[] }>(path, { query })).pulls);
      setError(null);
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  useEffect(() => void load(), [path, segments]);
  const merged = (segments.sandbox.value?.equivalences.length ?? 0) > 0;
  return (
    <section aria-label={t("segments.pulls")}>
      <h2>{t("segments.pulls")}</h2>
      {mayWrite && merged && <NewPull path={path} segments={segments} onDone={() => void load()} />}
      {error && <Message kind="error">{error} <Button onClick={() => void load()}>{t("common.retry")}</Button></Message>}
      {pulls === null && !error && <Spinner />}
      {pulls?.length === 0 && <p class="hint">{t(merged ? "segments.no_pulls" : "segments.no_pulls_yet")}</p>}
      <ul class="entries">
        {pulls?.map((pull) => (
          <PullLine key={pull.id} dataset={dataset} path={`${path}/${pull.id}`} pull={pull} mayWrite={mayWrite}
            onChange={() => void load()} />
        ))}
      </ul>
    </section>
  );
}

function NewPull({ path, segments, onDone }: { path: string; segments: Segments; onDone: () => void }) {
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  async function send(): Promise<void> {
    await request(path, { body: { layer: segments.layer, title, description } });
    tell(t("segments.pull_sent"));
    setTitle("");
    setDescription("");
    onDone();
  }
  return (
    <Form action={t("segments.pull_do")} send={send} disabled={title.trim() === ""}>
      <p class="hint">{t("segments.pull_hint")}</p>
      <Field label={t("annotate.title")}>
        {(id) => <Text id={id} required value={title} set={setTitle} maxLength={400} />}
      </Field>
      <Field label={t("annotate.column_description")}>
        {(id) => <Area id={id} rows={2} value={description} set={setDescription} />}
      </Field>
    </Form>
  );
}

interface LineProps {
  dataset: Dataset;
  path: string;
  pull: Pull;
  mayWrite: boolean;
  onChange: () => void;
}

function PullLine({ dataset, path, pull, mayWrite, onChange }: LineProps) {
  const [open, setOpen] = useState(false);
  const [conflicts, setConflicts] = useState<string[]>([]);
  const [error, setError] = useState<string | null>(null);
  const pending = ["open", "changes_requested", "accepted"].includes(pull.state);
  useEffect(() => {
    if (!pending) return;
    request<{ conflicts: string[] }>(path).then((answer) => setConflicts(answer.conflicts)).catch(() => {});
  }, [path, pull.revision]);
  async function act(step: "withdraw" | "renew"): Promise<void> {
    try {
      await request(`${path}/${step}`, { body: { text: "" } });
      setError(null);
      onChange();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <li class="entry">
      <div>
        <h3>
          <a href={address("d", dataset.name, "reviews", pull.id)}>{pull.title}</a>{" "}
          <span class={`state ${pull.state}`}>{t(`annotate.state_${pull.state}` as "annotate.state_accepted")}</span>
        </h3>
        {pull.description && <p class="description">{pull.description}</p>}
        <p class="hint">
          {when(pull.changed)}
          {pull.reviewer && `, ${t("annotate.reviewed_by", { name: pull.reviewer })}`}
        </p>
        {conflicts.map((reason) => (
          <Message key={reason} kind="error">{t("segments.conflict")}: {reason}</Message>
        ))}
        {error && <Message kind="error">{error}</Message>}
        <div class="row">
          <Button aria-expanded={open} onClick={() => setOpen(!open)}>{t("annotate.discussion")}</Button>
          {mayWrite && ["open", "changes_requested"].includes(pull.state) && (
            <Button onClick={() => void act("renew")}>{t("segments.renew")}</Button>
          )}
          {mayWrite && pending && <Button onClick={() => void act("withdraw")}>{t("annotate.withdraw")}</Button>}
        </div>
        {open && <Discussion path={path} stamp={pull.revision} />}
      </div>
    </li>
  );
}
