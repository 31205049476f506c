// The state of something as a word with a sign: never by colour alone.
import { t, type Word } from "../i18n";

const SIGNS: Record<string, string> = {
  submitted: "●", open: "●", queued: "○", running: "◐", accepted: "✓", done: "✓", applied: "✔",
  changes_requested: "✎", rejected: "✕", failed: "✕", withdrawn: "↩", superseded: "↻", cancelled: "⊘",
};
const KIND: Record<string, string> = {
  submitted: "waits", open: "waits", queued: "waits", running: "waits", accepted: "good", done: "good",
  applied: "good", changes_requested: "doubt", rejected: "bad", failed: "bad",
};

export function stateWord(state: string): string {
  return t(`state.${state}` as Word);
}

export function State({ state, label = stateWord(state) }: { state: string; label?: string }) {
  return (
    <span class={`badge ${KIND[state] ?? "past"}`}>
      <span aria-hidden="true">{SIGNS[state] ?? "•"}</span> {label}
    </span>
  );
}
