// What is sought in the atlas.
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import { datasets } from "../../session";
import { Button, Check, Choice, stateWord } from "../../ui";
import { filters, kept, NONE, STATES, type Filters } from "./filters";

const QUIET_MS = 300; // after the last letter

export function FilterBar({ choosesDataset }: { choosesDataset: boolean }) {
  const now = filters.value;
  const set = (part: Partial<Filters>) => (filters.value = { ...filters.value, ...part });
  return (
    <form class="row filter-bar" role="search" onSubmit={(event) => event.preventDefault()}>
      <Typed label={t("atlas.text")} value={now.text} set={(text) => set({ text })} />
      <Typed label={t("atlas.tag")} value={now.tag} set={(tag) => set({ tag })} />
      <Choice label={t("atlas.state")} value={now.state} set={(state) => set({ state })}
        options={[["", t("atlas.any_state")], ...STATES.map((one) => [one, stateWord(one)] as const)]} />
      {choosesDataset && datasets.value.length > 1 && (
        <Choice label={t("nav.dataset")} value={now.dataset} set={(dataset) => set({ dataset })}
          options={[["", t("token.all_datasets")], ...datasets.value.map((one) => [one.name, one.title] as const)]} />
      )}
      <Check label={t("atlas.own")} value={now.own} set={(own) => set({ own })} />
      {kept(now) !== null && (
        <Button kind="quiet" onClick={() => (filters.value = NONE)}>{t("atlas.clear")}</Button>
      )}
    </form>
  );
}

function Typed({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => set(text), QUIET_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input type="search" aria-label={label} placeholder={label} value={text}
      onInput={(event) => setText(event.currentTarget.value)} />
  );
}
