// An author changes an entry, and submits it again.
import { useEffect, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { AtlasEntry, Dataset } from "../../api/types";
import { t } from "../../i18n";
import { Area, Dialog, Field, Form, Message, Spinner, Text, tell } from "../../ui";

interface Annotation {
  id: string;
  revision: number;
  title: string;
  description: string;
  tags: string[];
  deleted: string | null;
}

interface Props {
  dataset: Dataset;
  entry: AtlasEntry;
  onSent: (entry: string) => Promise<void>;
  onClose: () => void;
}

export function Resubmit({ dataset, entry, onSent, onClose }: Props) {
  const [there, setThere] = useState<Annotation | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [given, setGiven] = useState({ title: "", description: "", tags: "" });
  const root = `${path(dataset.name)}/annotations/${encodeURIComponent(entry.annotation_id)}`;
  useEffect(() => {
    request<Annotation>(root)
      .then((annotation) => {
        setThere(annotation);
        setGiven({ ...annotation, tags: annotation.tags.join(", ") });
      })
      .catch((reason: Error) => setError(reason.message));
  }, [root]);
  async function send(): Promise<void> {
    if (there === null) return;
    const tags = given.tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
    const body = { title: given.title, description: given.description, tags };
    const headers = { "If-Match": `"${there.revision}"` };
    const changed = await request<Annotation>(root, { method: "PATCH", body, headers });
    setThere(changed); // a second try begins with this revision
    const { id } = await request<AtlasEntry>(`${path(dataset.name)}/atlas`, {
      body: { annotation: entry.annotation_id, revision: changed.revision },
    });
    tell(t("atlas.sent"));
    onClose();
    await onSent(id);
  }
  const set = (key: keyof typeof given) => (text: string) => setGiven((before) => ({ ...before, [key]: text }));
  const complete = given.title.trim() !== "" && given.description.trim() !== "";
  return (
    <Dialog title={t("atlas.edit")} onClose={onClose}>
      {error && <Message kind="error">{error}</Message>}
      {there === null && error === null && <Spinner />}
      {there?.deleted && <Message kind="error">{t("atlas.annotation_deleted")}</Message>}
      {there !== null && !there.deleted && (
        <Form action={t("atlas.send")} send={send} disabled={!complete} onCancel={onClose}>
          <Field label={t("dataset.title")}>
            {(id) => <Text id={id} value={given.title} set={set("title")} maxLength={400} />}
          </Field>
          <Field label={t("dataset.description")}>
            {(id) => <Area id={id} value={given.description} set={set("description")} />}
          </Field>
          <Field label={t("atlas.tags")} hint={t("atlas.tags_hint")}>
            {(id) => <Text id={id} value={given.tags} set={set("tags")} />}
          </Field>
        </Form>
      )}
    </Dialog>
  );
}
