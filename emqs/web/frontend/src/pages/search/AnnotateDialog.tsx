// Which matches become annotations, and what is said of them.
import { useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { Button, Dialog, Field, Message, tell, tellError } from "../../ui";
import { annotate, takeBack } from "./annotating";
import { keyOf } from "./model";
import { chosen, marks, type Result } from "./store";
import type { Match } from "./types";

const CHOICES = ["chosen", "right", "all"] as const;
type Choice = (typeof CHOICES)[number];

interface Props {
  now: Result;
  dataset: Dataset;
  onClose: () => void;
}

function groups(now: Result, dataset: string): Record<Choice, Match[]> {
  const known = new Map([...(now.suggestions ?? []), ...now.matches].map((match) => [keyOf(match), match]));
  const all = [...known.values()].filter((match) => match.dataset === dataset);
  return {
    all: now.matches.filter((match) => match.dataset === dataset),
    chosen: all.filter((match) => chosen.value.has(keyOf(match))),
    right: all.filter((match) => marks.value[keyOf(match)] === "right"),
  };
}

export function AnnotateDialog({ now, dataset, onClose }: Props) {
  const matches = groups(now, dataset.name);
  // never all unasked: few want an annotation at every match that happens to be shown
  const first = CHOICES.find((one) => one !== "all" && matches[one].length > 0) ?? null;
  const [which, setWhich] = useState<Choice | null>(first);
  const taken = which === null ? [] : matches[which];
  const [title, setTitle] = useState(now.saved?.title ?? "");
  const [tags, setTags] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [working, setWorking] = useState(false);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setWorking(true);
    setError(null);
    try {
      const words = {
        title: title.trim(),
        tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
        search: now.saved?.id ?? null,
        fingerprint: now.fingerprint,
      };
      const made = await annotate(dataset.name, taken, words);
      if (made.failed[0] !== undefined) setError(t("search.not_annotated", { n: made.failed.length, why: made.failed[0] }));
      const undo = { label: t("search.undo"), run: () => void takeBack(dataset.name, made).then(() => tell(t("search.taken_back")), tellError) };
      tell(t("search.annotated", { n: made.created.length }), { action: undo });
      if (made.failed.length === 0) onClose();
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setWorking(false);
    }
  }
  return (
    <Dialog title={t("search.annotate_title")} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <fieldset>
          <legend>{t("search.which")}</legend>
          {CHOICES.map((one) => (
            <label key={one} class="check">
              <input
                type="radio" name="which" checked={which === one} disabled={matches[one].length === 0}
                onChange={() => setWhich(one)}
              />
              {t(`search.which_${one}`, { n: matches[one].length })}
            </label>
          ))}
          {first === null && <p class="hint">{t("search.which_hint")}</p>}
        </fieldset>
        <Field label={t("saved.title")} hint={t("search.annotate_title_hint")}>
          {(id) => <input id={id} maxLength={380} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />}
        </Field>
        <Field label={t("search.tags")} hint={t("search.tags_hint")}>
          {(id) => <input id={id} value={tags} onInput={(event) => setTags(event.currentTarget.value)} />}
        </Field>
        {error && <Message kind="error">{error}</Message>}
        <div class="row end">
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" disabled={working || taken.length === 0}>
            {t("search.annotate_do", { n: taken.length })}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
