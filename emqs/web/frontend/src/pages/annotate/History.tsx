// Every revision of an annotation: who did what, and when.
import { useEffect, useState } from "preact/hooks";
import { request } from "../../api/client";
import { t, type Word } from "../../i18n";
import { Message, Spinner } from "../../ui";
import { placeText, when } from "./format";
import type { Row, Triple } from "./model";
import type { Store } from "./store";

interface Revision {
  revision: number;
  action: "created" | "updated" | "deleted" | "undone";
  at: string;
  content: Record<string, unknown>;
}

const SHOWN = ["title", "description", "tags", "colour_class", "points", "radius_nm"] as const;

function told(value: unknown): string {
  if (Array.isArray(value)) {
    return Array.isArray(value[0]) ? (value as Triple[]).map(placeText).join(" → ") : value.join(", ");
  }
  return value === null || value === "" ? "–" : String(value);
}

export function History({ store, row }: { store: Store; row: Row }) {
  const [steps, setSteps] = useState<Revision[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    request<{ revisions: Revision[] }>(`${store.path}/${row.id}/history`)
      .then((answer) => setSteps(answer.revisions))
      .catch((reason: Error) => setError(reason.message));
  }, [row.id, row.revision]);
  if (error) return <Message kind="error">{error}</Message>;
  if (steps === null) return <Spinner />;
  return (
    <ol class="history">
      {steps.map((step, i) => {
        const before = steps[i - 1]?.content;
        const changed = SHOWN.filter(
          (name) => before && JSON.stringify(before[name]) !== JSON.stringify(step.content[name]),
        );
        return (
          <li key={step.revision}>
            <strong>{t(`annotate.action_${step.action}`)}</strong> {when(step.at)}
            {changed.map((name) => (
              <div key={name} class="hint">
                {t(WORDS[name])}: {told(before?.[name])} → {told(step.content[name])}
              </div>
            ))}
          </li>
        );
      })}
    </ol>
  );
}

const WORDS: Record<(typeof SHOWN)[number], Word> = {
  title: "annotate.title",
  description: "annotate.column_description",
  tags: "annotate.tags",
  colour_class: "annotate.colour_class",
  points: "annotate.column_place",
  radius_nm: "annotate.radius",
};
