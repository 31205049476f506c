// Keep a search with its answer under a title.
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { address, go } from "../../router";
import { Button, Dialog, Field, Message, tell } from "../../ui";
import { save, type Result } from "./store";

const MOST_KEPT = 1000;

export function SaveDialog({ now, onClose }: { now: Result; onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [note, setNote] = useState("");
  const [k, setK] = useState(Math.min(MOST_KEPT, Math.max(1, now.matches.length)));
  const [error, setError] = useState<string | null>(null);
  const [saving, setSaving] = useState(false);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setSaving(true);
    setError(null);
    try {
      const saved = await save({ title: title.trim(), note, k });
      const list = { label: t("saved.list"), run: () => go(address("d", now.dataset, "search", "saved") + location.hash) };
      tell(t("saved.done", { title: saved.title }), { action: list });
      onClose();
    } catch (reason) {
      setError((reason as Error).message);
      setSaving(false);
    }
  }
  return (
    <Dialog title={t("search.save_title")} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Field label={t("saved.title")}>
          {(id) => (
            <input id={id} required maxLength={400} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
          )}
        </Field>
        <Field label={t("saved.note")}>
          {(id) => <textarea id={id} rows={3} maxLength={50_000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />}
        </Field>
        <Field label={t("saved.k")} hint={t("saved.k_hint")}>
          {(id) => (
            <input
              id={id} type="number" min="1" max={String(MOST_KEPT)} required value={String(k)}
              onInput={(event) => setK(Number(event.currentTarget.value))}
            />
          )}
        </Field>
        {error && <Message kind="error">{error}</Message>}
        <div class="row end">
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" disabled={saving || title.trim() === ""}>{t("common.save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
