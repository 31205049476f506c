// A question before something that cannot be undone.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Button, Dialog, Field, Message } from ".";

interface ConfirmProps {
  title: string;
  action: string; // on the button
  children?: ComponentChildren; // what will happen
  typed?: string; // has to be typed before
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

export function Confirm({ title, action, children, typed, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function confirm(event: Event): Promise<void> {
    event.preventDefault();
    if (busy || (typed !== undefined && text !== typed)) return;
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (reason) {
      setError((reason as Error).message);
      setBusy(false);
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={confirm}>
        {children}
        {typed !== undefined && (
          <Field label={t("common.type_again", { name: typed })}>
            {(id) => (
              <input id={id} value={text} autocomplete="off" onInput={(e) => setText(e.currentTarget.value)} />
            )}
          </Field>
        )}
        {error && <Message kind="error">{error}</Message>}
        <div class="row to-end">
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="danger" type="submit" disabled={busy || (typed !== undefined && text !== typed)}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
