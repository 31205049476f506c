// What a column must hold.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { KINDS } from "./model";
import type { Column } from "./settings";
import type { Filters, Store } from "./store";

const STATES = ["submitted", "changes_requested", "accepted", "rejected", "withdrawn"] as const;
const QUIET_MS = 350;

export function ColumnFilter({ store, column }: { store: Store; column: Column | "title" }) {
  switch (column) {
    case "title":
      return <Text store={store} name="text" />;
    case "tags":
      return <Text store={store} name="tag" />;
    case "kind":
      return <Choice store={store} name="kind" options={KINDS.map((kind) => [kind, t(`annotate.${kind}`)])} />;
    case "owner":
      return <Choice store={store} name="owner" options={store.owners.value.map((name) => [name, name])} />;
    case "colour_class":
      return <Choice store={store} name="colour_class" options={store.classes.value.map((name) => [name, name])} />;
    case "atlas_state":
      return <Choice store={store} name="atlas_state" options={STATES.map((one) => [one, t(`annotate.state_${one}`)])} />;
    case "place":
      return <Slices store={store} />;
    default:
      return null;
  }
}

function Text({ store, name }: { store: Store; name: "text" | "tag" }) {
  const now = store.filters.value[name] ?? "";
  const [text, setText] = useState(now);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(now), [now]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (value: string) => {
    clearTimeout(timer.current);
    if (value !== now) store.setFilters({ [name]: value });
  };
  return (
    <input
      type="search"
      aria-label={t(`annotate.filter_${name}`)}
      placeholder={t(`annotate.placeholder_${name}`)}
      maxLength={400}
      value={text}
      onInput={(event) => {
        const { value } = event.currentTarget;
        setText(value);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => apply(value), QUIET_MS);
      }}
      onKeyDown={(event) => event.key === "Enter" && apply(event.currentTarget.value)}
    />
  );
}

interface ChoiceProps {
  store: Store;
  name: keyof Filters;
  options: readonly (readonly [string, string])[];
}

function Choice({ store, name, options }: ChoiceProps) {
  const now = store.filters.value[name] ?? "";
  const known = now === "" || options.some(([value]) => value === now);
  return (
    <select
      aria-label={t(`annotate.filter_${name}`)}
      value={now}
      onChange={(event) => store.setFilters({ [name]: event.currentTarget.value })}
    >
      <option value="">{t("annotate.any")}</option>
      {!known && <option value={now}>{now}</option>}
      {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
    </select>
  );
}

// From a slice to another, both of them in it; one may be left open.
function Slices({ store }: { store: Store }) {
  const [from, end] = (store.filters.value.z ?? ",").split(",") as [string, string];
  const first = from === "-Infinity" ? "" : from;
  const last = end === "" || end === "Infinity" ? "" : String(Number(end) - 1);
  const set = (low: string, high: string) => {
    const empty = low === "" && high === "";
    const stop = high === "" ? "Infinity" : String(Number(high) + 1);
    store.setFilters({ z: empty ? undefined : `${low === "" ? "-Infinity" : low},${stop}` });
  };
  return (
    <span class="slices">
      <input type="number" aria-label={t("annotate.z_from")} placeholder="z" value={first} min={0}
        onChange={(event) => set(event.currentTarget.value, last)} />
      –
      <input type="number" aria-label={t("annotate.z_to")} placeholder="z" value={last} min={0}
        onChange={(event) => set(first, event.currentTarget.value)} />
    </span>
  );
}
