// Small parts that every page is made of.
import { signal } from "@preact/signals";
import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "plain" | "danger" | "quiet";
  icon?: string; // shown instead of the text, which is then said to screen readers
  label?: string;
}

export function Button({ kind = "plain", icon, label, children, class: given, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${icon ? "icon" : ""} ${given ?? ""}`}
      aria-label={icon ? label : rest["aria-label"]}
      title={rest.title ?? label}
    >
      {icon ?? children}
    </button>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  children: (id: string) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

export function Message({ kind, children }: { kind: "error" | "info"; children: ComponentChildren }) {
  return (
    <div class={`message ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </div>
  );
}

export function Spinner({ label = t("common.loading") }: { label?: string }) {
  return (
    <p class="spinner" role="status">
      <span class="wheel" aria-hidden="true" />
      {label}
    </p>
  );
}

interface TabsProps {
  label: string;
  tabs: readonly { id: string; label: string; href: string }[];
  current: string;
}

export function Tabs({ label, tabs, current }: TabsProps) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === current ? "page" : undefined}>
          {tab.label}
        </a>
      ))}
    </nav>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      gone.current = true;
      shown?.close(); // gives the focus back to what opened it
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={() => gone.current || onClose()}>
      <header>
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="×" label={t("common.close")} onClick={onClose} />
      </header>
      {children}
    </dialog>
  );
}

export interface Notice {
  id: number;
  kind: "info" | "error";
  text: string;
  action?: { label: string; run: () => void };
}

export const notices = signal<readonly Notice[]>([]);
let number = 0;

// Tell what happened; what went well goes away by itself, an error stays until it is closed.
export function tell(text: string, options: { kind?: Notice["kind"]; action?: Notice["action"] } = {}): void {
  const notice = { id: ++number, kind: options.kind ?? "info", text, action: options.action } as const;
  notices.value = [...notices.value, notice];
  if (notice.kind === "info") setTimeout(() => dismiss(notice.id), notice.action ? 12_000 : 5_000);
}

export function tellError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  tell(error instanceof Error ? error.message : String(error), { kind: "error" });
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices() {
  return (
    <div class="notices" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`} role={notice.kind === "error" ? "alert" : undefined}>
          <span>{notice.text}</span>
          {notice.action && (
            <Button
              kind="quiet"
              onClick={() => {
                notice.action?.run();
                dismiss(notice.id);
              }}
            >
              {notice.action.label}
            </Button>
          )}
          <Button kind="quiet" icon="×" label={t("common.close")} onClick={() => dismiss(notice.id)} />
        </div>
      ))}
    </div>
  );
}

// Shown instead of a list that is empty, or not there yet.
export function Waiting({ error, retry }: { error: string | null; retry: () => Promise<void> }) {
  if (error === null) return <Spinner />;
  return (
    <Message kind="error">
      {error}{" "}
      <Button onClick={() => void retry()}>{t("common.retry")}</Button>
    </Message>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}

export { Confirm } from "./Confirm";
export { Copy } from "./Copy";
export { Heads } from "./Heads";
export { Discussion, Say } from "./Discussion";
export { Area, Check, Choice, Form, Text } from "./Form";
export { useLoaded, usePaged } from "./load";
export { State, stateWord } from "./State";
export { Time } from "./time";
