// A form whose failure is told below its fields, and whose button waits while it is sent.
import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Button, Message } from ".";

interface FormProps {
  action: string; // on the button
  send: () => Promise<void>; // an error that it throws is shown
  onCancel?: () => void;
  disabled?: boolean;
  children: ComponentChildren;
  class?: string;
}

export function Form({ action, send, onCancel, disabled, children, class: given }: FormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await send();
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form class={given} onSubmit={submit}>
      {children}
      <div class="form-end">
        {error && <Message kind="error">{error}</Message>}
        <div class="row">
          <Button kind="primary" type="submit" disabled={busy || disabled}>
            {action}
          </Button>
          {onCancel && <Button onClick={onCancel}>{t("common.cancel")}</Button>}
        </div>
      </div>
    </form>
  );
}

interface TextProps {
  id: string;
  value: string;
  set: (value: string) => void;
  type?: "text" | "password" | "email";
  required?: boolean;
  autocomplete?: string;
  placeholder?: string;
  list?: string;
  maxLength?: number;
}

export function Text({ set, type = "text", ...rest }: TextProps) {
  // the types of inputs say that one with suggestions cannot hide what is typed, which nobody asks for
  const given = { ...rest, type } as InputHTMLAttributes<HTMLInputElement>;
  return <input {...given} onInput={(event) => set(event.currentTarget.value)} />;
}

export function Area({ id, value, set, rows = 4 }: { id: string; value: string; set: (v: string) => void; rows?: number }) {
  return <textarea id={id} value={value} rows={rows} onInput={(event) => set(event.currentTarget.value)} />;
}

interface ChoiceProps<T extends string> {
  id?: string;
  label?: string;
  value: T;
  set: (value: T) => void;
  options: readonly (readonly [T, string])[];
}

export function Choice<T extends string>({ id, label, value, set, options }: ChoiceProps<T>) {
  return (
    <select id={id} aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value as T)}>
      {options.map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Check({ label, value, set }: { label: string; value: boolean; set: (value: boolean) => void }) {
  return (
    <label class="checkbox">
      <input type="checkbox" checked={value} onChange={(event) => set(event.currentTarget.checked)} />
      {label}
    </label>
  );
}
