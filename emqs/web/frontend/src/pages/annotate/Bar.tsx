// Above the table: how many there are, what is asked for, and what to do with those selected.
import { useState } from "preact/hooks";
import { count, t } from "../../i18n";
import { Button, Dialog, tellError } from "../../ui";
import { Exchange } from "./Exchange";
import { BulkEdit } from "./BulkEdit";
import { COLUMNS, columns, setColumns } from "./settings";
import type { Filters, Store } from "./store";

type Open = "columns" | "import" | "export" | "edit" | null;

const MANY = 1000; // of which the viewer may draw a part

export function Bar({ store }: { store: Store }) {
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const total = store.total.value;
  return (
    <section class="annotate-bar" aria-label={t("annotate.list")}>
      <div class="row spread">
        <span role="status">
          {total && t(total.exact ? "annotate.count" : "annotate.count_more", { n: count(total.count) })}
          {total && total.count >= MANY && <span class="hint"> {t("annotate.sampled")}</span>}
        </span>
        <span class="row">
          <Button onClick={() => setOpen("columns")}>{t("annotate.columns")}</Button>
          {store.mayWrite && <Button onClick={() => setOpen("import")}>{t("annotate.import")}</Button>}
          <Button onClick={() => setOpen("export")}>{t("annotate.export")}</Button>
        </span>
      </div>
      <Chips store={store} />
      {store.selected.value.size > 0 && <Selected store={store} onEdit={() => setOpen("edit")} />}
      {open === "columns" && <Columns onClose={close} />}
      {(open === "import" || open === "export") && <Exchange store={store} what={open} onClose={close} />}
      {open === "edit" && <BulkEdit store={store} onClose={close} />}
    </section>
  );
}

// The filters that are set, also those of columns that are not shown.
function Chips({ store }: { store: Store }) {
  const set = Object.entries(store.filters.value) as [keyof Filters, string][];
  if (set.length === 0) return null;
  const shown = (name: keyof Filters, value: string): string => {
    if (name === "kind") return t(`annotate.${value}` as "annotate.point");
    if (name === "atlas_state") return t(`annotate.state_${value}` as "annotate.state_accepted");
    if (name === "z") {
      const [from, end] = value.split(",").map(Number) as [number, number];
      return `${from === -Infinity ? "" : from} – ${end === Infinity ? "" : end - 1}`;
    }
    return value;
  };
  return (
    <div class="row chips">
      {set.map(([name, value]) => (
        <span key={name} class="chip">
          {t(`annotate.filter_${name}`)}: {shown(name, value)}
          <Button
            kind="quiet"
            icon="×"
            label={t("annotate.filter_remove", { name: t(`annotate.filter_${name}`) })}
            onClick={() => store.setFilters({ [name]: undefined })}
          />
        </span>
      ))}
      {set.length > 1 && (
        <Button kind="quiet" onClick={() => store.setFilters(Object.fromEntries(set.map(([name]) => [name, undefined])))}>
          {t("annotate.filter_none")}
        </Button>
      )}
    </div>
  );
}

function Selected({ store, onEdit }: { store: Store; onEdit: () => void }) {
  const n = store.selected.value.size;
  const total = store.total.value;
  return (
    <div class="row selected" role="status">
      <strong>{t("annotate.selected", { n: count(n) })}</strong>
      {total !== null && total.count > n && (
        <Button kind="quiet" onClick={() => store.chooseAll().catch(tellError)}>{t("annotate.select_all")}</Button>
      )}
      <Button onClick={onEdit}>{t("annotate.bulk_edit")}</Button>
      <Button kind="danger" onClick={() => store.removeSelected().catch(tellError)}>{t("common.delete")}</Button>
      <Button kind="quiet" onClick={() => (store.selected.value = new Map())}>{t("annotate.select_none")}</Button>
    </div>
  );
}

function Columns({ onClose }: { onClose: () => void }) {
  const chosen = columns.value;
  return (
    <Dialog title={t("annotate.columns")} onClose={onClose}>
      <p class="hint">{t("annotate.columns_hint")}</p>
      <ul class="choices">
        {COLUMNS.map((name) => (
          <li key={name}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                onChange={(event) =>
                  setColumns(event.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))}
              />{" "}
              {t(`annotate.column_${name}`)}
            </label>
          </li>
        ))}
      </ul>
      <Button kind="primary" onClick={onClose}>{t("common.close")}</Button>
    </Dialog>
  );
}
