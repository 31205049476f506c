// Tags and colour class of all that are selected.
import { useState } from "preact/hooks";
import { count, t } from "../../i18n";
import { Button, Dialog, Field, Message } from "../../ui";
import type { Store } from "./store";
import { TagInput } from "./TagInput";

const SAME = "\0"; // the choice that leaves the class as it is

export function BulkEdit({ store, onClose }: { store: Store; onClose: () => void }) {
  const [add, setAdd] = useState<string[]>([]);
  const [drop, setDrop] = useState<string[]>([]);
  const [colour, setColour] = useState(SAME);
  const [error, setError] = useState<string | null>(null);
  const nothing = add.length === 0 && drop.length === 0 && colour === SAME;
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    try {
      await store.changeSelected({ add, drop, ...(colour === SAME ? {} : { colour }) });
      onClose();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <Dialog title={t("annotate.bulk_title", { n: count(store.selected.value.size) })} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label={t("annotate.tags_add")} hint={t("annotate.tags_hint")}>
          {(id) => <TagInput id={id} tags={add} onChange={setAdd} />}
        </Field>
        <Field label={t("annotate.tags_remove")} hint={t("annotate.tags_hint")}>
          {(id) => <TagInput id={id} tags={drop} onChange={setDrop} />}
        </Field>
        <Field label={t("annotate.colour_class")}>
          {(id) => (
            <select id={id} value={colour} onChange={(event) => setColour(event.currentTarget.value)}>
              <option value={SAME}>{t("annotate.as_it_is")}</option>
              <option value="">{t("annotate.no_class")}</option>
              {store.classes.value.map((name) => <option key={name}>{name}</option>)}
            </select>
          )}
        </Field>
        {error && <Message kind="error">{error}</Message>}
        <div class="row">
          <Button kind="primary" type="submit" disabled={nothing}>{t("annotate.change")}</Button>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
