// What was said and decided of an entry or a request, with names and times; and a line to add.
import { useState } from "preact/hooks";
import type { Line } from "../api/types";
import { t } from "../i18n";
import { Field, Form, Time } from ".";
import { Area } from "./Form";
import { State, stateWord } from "./State";

export function Discussion({ lines }: { lines: readonly Line[] }) {
  return (
    <ol class="talk" aria-label={t("review.history")}>
      {lines.map((line) => (
        <li key={line.id} class={line.action === "comment" ? "said" : "step"}>
          <p class="hint">
            <b>{line.user ?? t("review.somebody")}</b>{" "}
            {line.action !== "comment" && <State state={line.action} label={stateWord(line.action)} />}{" "}
            <Time time={line.at} />
          </p>
          {line.text && <p class="prose">{line.text}</p>}
        </li>
      ))}
    </ol>
  );
}

export function Say({ send }: { send: (text: string) => Promise<void> }) {
  const [text, setText] = useState("");
  return (
    <Form
      action={t("review.say")}
      disabled={text.trim() === ""}
      send={async () => {
        await send(text);
        setText("");
      }}
    >
      <Field label={t("review.comment")}>{(id) => <Area id={id} value={text} set={setText} rows={2} />}</Field>
    </Form>
  );
}
