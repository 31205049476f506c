// Title and note of a saved search.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t } from "../../i18n";
import { Button, Dialog, Field, Message } from "../../ui";
import type { Saved } from "./types";

interface Props {
  saved: Saved;
  url: string;
  onClose: () => void;
  onChange: (saved: Saved) => void;
}

export function EditSaved({ saved, url, onClose, onChange }: Props) {
  const [title, setTitle] = useState(saved.title);
  const [note, setNote] = useState(saved.note);
  const [error, setError] = useState<string | null>(null);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    try {
      const headers = { "If-Match": `"${saved.revision}"` };
      onChange(await request<Saved>(url, { method: "PATCH", body: { title, note }, headers }));
      onClose();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <Dialog title={t("saved.edit")} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Field label={t("saved.title")}>
          {(id) => <input id={id} required maxLength={400} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />}
        </Field>
        <Field label={t("saved.note")}>
          {(id) => <textarea id={id} rows={4} maxLength={50_000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />}
        </Field>
        {error && <Message kind="error">{error}</Message>}
        <div class="row end">
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit">{t("common.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
