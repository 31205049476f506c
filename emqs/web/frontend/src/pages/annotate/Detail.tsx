// One annotation under its row: where it is, and its texts, to be changed in place by its owner.
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { address, go } from "../../router";
import { Button, Field, Message, tellError } from "../../ui";
import { goTo } from "./AnnotationsTab";
import { lengthsText, placeNmText, placeText, when } from "./format";
import { History } from "./History";
import { measured, type Row } from "./model";
import { addClass } from "./settings";
import type { Store } from "./store";
import { TagInput } from "./TagInput";

export function Detail({ store, row }: { store: Store; row: Row }) {
  const [history, setHistory] = useState(false);
  const own = row.owner === store.mine && store.mayWrite;
  const lengths = measured(row, store.size);
  return (
    <div class="one">
      <dl>
        <dt>{t("annotate.place_voxels")}</dt>
        <dd>{row.points.map(placeText).join(" → ")}</dd>
        <dt>{t("annotate.place_nm")}</dt>
        <dd>{row.points.map((point) => placeNmText(point, store.size)).join(" → ")}</dd>
        {lengths.length > 0 && (
          <>
            <dt>{t("annotate.column_size")}</dt>
            <dd>{lengthsText(row.kind, lengths)}</dd>
          </>
        )}
        <dt>{t("annotate.column_owner")}</dt>
        <dd>{row.owner}, {when(row.created)}</dd>
      </dl>
      {own ? <Form store={store} row={row} /> : <Texts row={row} />}
      <div class="row">
        <Button onClick={() => goTo(row)}>{t("annotate.go")}</Button>
        <Button onClick={() => setHistory(!history)} aria-expanded={history}>{t("annotate.history")}</Button>
        {own && (
          <>
            <Button
              onClick={() => go(address("d", store.dataset.name, "annotate", "atlas") + location.hash)}
            >
              {t("annotate.to_atlas")}
            </Button>
            <Button kind="danger" onClick={() => store.remove(row).catch(tellError)}>{t("common.delete")}</Button>
          </>
        )}
      </div>
      {history && <History store={store} row={row} />}
    </div>
  );
}

function Texts({ row }: { row: Row }) {
  return (
    <>
      {row.description && <p class="description">{row.description}</p>}
      {row.tags.length > 0 && <p>{row.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}</p>}
      <p class="hint">{t("annotate.of_other", { name: row.owner })}</p>
    </>
  );
}

const NEW = "\0"; // the choice that asks for a new class

function Form({ store, row }: { store: Store; row: Row }) {
  const [title, setTitle] = useState(row.title);
  const [description, setDescription] = useState(row.description);
  const [tags, setTags] = useState<string[]>([...row.tags]);
  const [colour, setColour] = useState(row.colour_class);
  const [named, setNamed] = useState<string | null>(null); // a class that is being named
  const [error, setError] = useState<string | null>(null);
  const chosen = named === null ? colour : named.trim();
  const same =
    title === row.title && description === row.description && chosen === row.colour_class &&
    tags.join("\n") === row.tags.join("\n");
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    try {
      if (named !== null && chosen !== "") await addClass(chosen);
      await store.edit(row, { title, description, tags, colour_class: chosen });
      setError(null);
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  const known = store.classes.value.includes(colour) || colour === "";
  return (
    <form onSubmit={submit} aria-label={t("annotate.edit")}>
      <Field label={t("annotate.title")}>
        {(id) => <input id={id} value={title} maxLength={400} onInput={(e) => setTitle(e.currentTarget.value)} />}
      </Field>
      <Field label={t("annotate.column_description")}>
        {(id) => (
          <textarea id={id} rows={2} value={description} onInput={(e) => setDescription(e.currentTarget.value)} />
        )}
      </Field>
      <div class="two">
        <Field label={t("annotate.tags")} hint={t("annotate.tags_hint")}>
          {(id) => <TagInput id={id} tags={tags} onChange={setTags} />}
        </Field>
        <Field label={t("annotate.colour_class")}>
          {(id) =>
            named === null ? (
              <select
                id={id}
                value={colour}
                onChange={(event) => {
                  if (event.currentTarget.value === NEW) setNamed("");
                  else setColour(event.currentTarget.value);
                }}
              >
                <option value="">{t("annotate.no_class")}</option>
                {!known && <option>{colour}</option>}
                {store.classes.value.map((name) => <option key={name}>{name}</option>)}
                <option value={NEW}>{t("annotate.new_class")}</option>
              </select>
            ) : (
              <input
                id={id}
                value={named}
                maxLength={64}
                placeholder={t("annotate.new_class")}
                ref={(input) => input?.focus()}
                onInput={(event) => setNamed(event.currentTarget.value)}
              />
            )}
        </Field>
      </div>
      {error && <Message kind="error">{error}</Message>}
      <Button kind="primary" type="submit" disabled={same}>{t("common.save")}</Button>
    </form>
  );
}
