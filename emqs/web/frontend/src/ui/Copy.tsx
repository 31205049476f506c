// A text that is shown once, to be copied.
import { useRef } from "preact/hooks";
import { t } from "../i18n";
import { Button, Field, tell } from ".";

export function Copy({ label, text, hint }: { label: string; text: string; hint?: string }) {
  const input = useRef<HTMLInputElement>(null);
  async function copy(): Promise<void> {
    input.current?.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // over plain http browsers have no clipboard, but the selected text can be copied
      if (!document.execCommand("copy")) {
        tell(t("common.not_copied"), { kind: "error" });
        return;
      }
    }
    tell(t("common.copied"));
  }
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <div class="row copy-text">
          <input id={id} ref={input} readOnly value={text} onFocus={(e) => e.currentTarget.select()} />
          <Button onClick={copy}>{t("common.copy")}</Button>
        </div>
      )}
    </Field>
  );
}
