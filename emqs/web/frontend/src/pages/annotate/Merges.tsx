// One's own merges: what they come to, and each step with the way back.
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { Button, Dialog, Message } from "../../ui";
import { when } from "./format";
import type { Segments, Step } from "./segments";
import { viewer } from "../../viewer/Viewer";

const MOST_SHOWN = 12; // segments of a step

export function shortened(numbers: readonly string[]): string {
  const more = numbers.length - MOST_SHOWN;
  return numbers.slice(0, MOST_SHOWN).join(", ") + (more > 0 ? ` … (+${more})` : "");
}

export function Merges({ segments, mayWrite }: { segments: Segments; mayWrite: boolean }) {
  const [asks, setAsks] = useState(false);
  const sandbox = segments.sandbox.value;
  if (sandbox === null) return null;
  const outdated = sandbox.steps.some((step) => step.outdated);
  const active = sandbox.steps.filter((step) => !step.undone);
  const newest = active[active.length - 1]?.number ?? 0;
  const again = sandbox.steps.some((step) => step.undone && step.number > newest);
  return (
    <section aria-label={t("segments.merges")}>
      <h2>{t("segments.merges")}</h2>
      {outdated && (
        <Message kind="error">
          {t("segments.outdated", { version: sandbox.version })}
          {mayWrite && <Button onClick={() => void segments.confirm()}>{t("segments.confirm")}</Button>}
        </Message>
      )}
      {sandbox.equivalences.length === 0 && <p class="hint">{t("segments.no_merges")}</p>}
      <ul class="groups">
        {sandbox.equivalences.map((group) => (
          <li key={group[0]}>
            <button type="button" class="open" onClick={() => viewer.peek()?.select(segments.layer, group.slice(0, 1))}>
              {shortened(group)}
            </button>
            {mayWrite && (
              <Button kind="quiet" aria-label={t("segments.unmerge_group", { number: group[0] ?? "" })}
                onClick={() => void segments.unmerge(group)}>
                {t("segments.unmerge")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {mayWrite && (
        <div class="row">
          <Button disabled={active.length === 0} onClick={() => void segments.undo()}>↶ {t("annotate.undo")}</Button>
          <Button disabled={!again} onClick={() => void segments.redo()}>↷ {t("segments.redo")}</Button>
          <Button kind="danger" disabled={sandbox.steps.length === 0} onClick={() => setAsks(true)}>
            {t("segments.clear")}
          </Button>
        </div>
      )}
      {sandbox.steps.length > 0 && (
        <details>
          <summary>{t("segments.steps", { n: sandbox.steps.length })}</summary>
          <ol class="steps">
            {[...sandbox.steps].reverse().map((step) => <StepLine key={step.number} step={step} />)}
          </ol>
        </details>
      )}
      {asks && (
        <Dialog title={t("segments.clear")} onClose={() => setAsks(false)}>
          <p>{t("segments.clear_asks")}</p>
          <div class="row">
            <Button kind="danger" onClick={() => void segments.clear().then(() => setAsks(false))}>
              {t("segments.clear")}
            </Button>
            <Button onClick={() => setAsks(false)}>{t("common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function StepLine({ step }: { step: Step }) {
  return (
    <li class={step.undone ? "undone" : ""}>
      {t(`segments.action_${step.action}`)} {shortened(step.segments)}{" "}
      <span class="hint">
        {when(step.created)}
        {step.undone && `, ${t("segments.undone")}`}
        {step.outdated && `, ${t("segments.old_version", { version: step.base_version })}`}
      </span>
    </li>
  );
}
