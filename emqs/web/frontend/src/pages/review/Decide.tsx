// What a reviewer decides: accept, ask for changes, reject, with reasons.
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { Area, Button, Field, Message } from "../../ui";

export type Step = "accepted" | "changes_requested" | "rejected";

interface DecideProps {
  steps: readonly Step[]; // that are possible now
  blocked?: string; // why it cannot be accepted
  decide: (step: Step, text: string) => Promise<void>;
}

const KINDS = { accepted: "primary", changes_requested: "plain", rejected: "danger" } as const;

export function Decide({ steps, blocked, decide }: DecideProps) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function act(step: Step): Promise<void> {
    if (step !== "accepted" && text.trim() === "") {
      setError(t("review.needs_reason"));
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await decide(step, text);
      setText("");
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setBusy(false);
    }
  }
  if (steps.length === 0) return null;
  return (
    <section class="box" aria-label={t("review.title")}>
      <h3>{t("review.title")}</h3>
      <Field label={t("review.reason")} hint={t("review.reason_hint")}>
        {(id) => <Area id={id} value={text} set={setText} rows={2} />}
      </Field>
      {error && <Message kind="error">{error}</Message>}
      <div class="row">
        {steps.map((step) => (
          <Button key={step} kind={KINDS[step]} disabled={busy || (step === "accepted" && blocked !== undefined)}
            title={step === "accepted" ? blocked : undefined} onClick={() => void act(step)}>
            {t(`review.${step}`)}
          </Button>
        ))}
      </div>
      {blocked !== undefined && steps.includes("accepted") && <p class="hint">{blocked}</p>}
    </section>
  );
}
