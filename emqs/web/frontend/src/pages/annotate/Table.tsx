// The table: a page of rows at a time, each column with its filter.
import { Fragment } from "preact";
import { count, t } from "../../i18n";
import { Button, Message, Spinner } from "../../ui";
import { goTo } from "./AnnotationsTab";
import { Detail } from "./Detail";
import { ColumnFilter } from "./ColumnFilter";
import { placeNmText, placeText, sizeText, when } from "./format";
import { colourOf, colourOfOwner, type Row, type Triple } from "./model";
import { columns, type Column } from "./settings";
import { PAGE, type Sort, type Store } from "./store";

const SORTED: Partial<Record<Column | "title", "created" | "changed" | "title" | "kind">> = {
  title: "title", kind: "kind", created: "created", changed: "changed",
};

export function Table({ store, current }: { store: Store; current: Row | null }) {
  const rows = store.rows.value;
  const shown = columns.value;
  const own = (rows ?? []).filter((row) => row.owner === store.mine);
  const all = own.length > 0 && own.every((row) => store.selected.value.has(row.id));
  const elsewhere = current !== null && rows !== null && !rows.some((row) => row.id === current.id);
  if (store.error.value) {
    return (
      <Message kind="error">
        {store.error.value} <Button onClick={() => void store.load(true)}>{t("common.retry")}</Button>
      </Message>
    );
  }
  if (rows === null) return <Spinner />;
  return (
    <>
      {elsewhere && (
        <div class="elsewhere">
          <h3>{current.title || t(`annotate.${current.kind}`)}</h3>
          <Detail key={current.id + current.revision} store={store} row={current} />
        </div>
      )}
      <div class="table" tabIndex={0} role="region" aria-label={t("annotate.list")} aria-busy={store.busy.value}>
        <table>
          <thead>
            <tr>
              {store.mayWrite && (
                <th>
                  <input
                    type="checkbox"
                    aria-label={t("annotate.select_page")}
                    checked={all}
                    disabled={own.length === 0}
                    onChange={(event) => store.choose(own, event.currentTarget.checked)}
                  />
                </th>
              )}
              <Head store={store} column="title" />
              {shown.map((column) => <Head key={column} store={store} column={column} />)}
            </tr>
            <tr class="filters">
              {store.mayWrite && <td />}
              <td><ColumnFilter store={store} column="title" /></td>
              {shown.map((column) => <td key={column}><ColumnFilter store={store} column={column} /></td>)}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Fragment key={row.id}>
                <Line store={store} row={row} shown={shown} current={current?.id === row.id} />
                {current?.id === row.id && (
                  <tr class="detail">
                    <td colSpan={shown.length + (store.mayWrite ? 2 : 1)}>
                      <Detail key={row.id + row.revision} store={store} row={row} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <Empty store={store} />}
      </div>
      <Pager store={store} />
    </>
  );
}

function Head({ store, column }: { store: Store; column: Column | "title" }) {
  const name = t(column === "title" ? "annotate.title" : `annotate.column_${column}`);
  const by = SORTED[column];
  if (by === undefined) return <th scope="col">{name}</th>;
  const sort = store.sort.value;
  const now = sort === by ? "ascending" : sort === `-${by}` ? "descending" : "none";
  const next: Sort = now === "ascending" ? `-${by}` : now === "descending" || by === "title" || by === "kind" ? by : `-${by}`;
  return (
    <th scope="col" aria-sort={now}>
      <button type="button" class="sort" onClick={() => store.setSort(next)}>
        {name} <span aria-hidden="true">{now === "ascending" ? "▲" : now === "descending" ? "▼" : "↕"}</span>
      </button>
    </th>
  );
}

interface LineProps {
  store: Store;
  row: Row;
  shown: readonly Column[];
  current: boolean;
}

function Line({ store, row, shown, current }: LineProps) {
  const own = row.owner === store.mine;
  const name = row.title || t(`annotate.${row.kind}`);
  const chosen = store.selected.value.has(row.id);
  const open = () => {
    if (!current) goTo(row);
    store.look(current ? null : row.id);
  };
  return (
    <tr class={`line ${current ? "current" : ""}`} aria-current={current ? "true" : undefined}>
      {store.mayWrite && (
        <td>
          {own && (
            <input
              type="checkbox"
              aria-label={t("annotate.select_one", { what: name })}
              checked={chosen}
              onChange={(event) => store.choose([row], event.currentTarget.checked)}
            />
          )}
        </td>
      )}
      <th scope="row">
        <button type="button" class="open" aria-expanded={current} onClick={open}>
          <Swatch store={store} row={row} />
          <span class={row.title ? "" : "unnamed"}>{name}</span>
        </button>
      </th>
      {shown.map((column) => (
        <td key={column} class={column === "size" || column === "revision" ? "number" : ""} onClick={open}>
          <Cell store={store} row={row} column={column} />
        </td>
      ))}
    </tr>
  );
}

function Swatch({ store, row }: { store: Store; row: Row }) {
  const own = row.owner === store.mine;
  const colour = own
    ? colourOf(row.colour_class, store.classes.value)
    : colourOfOwner(row.owner, store.owners.value);
  return (
    <svg class="swatch" width="12" height="12" aria-hidden="true">
      <circle cx="6" cy="6" r="5" fill={own ? colour : "none"} stroke={own ? "currentColor" : colour} stroke-width={own ? 0.7 : 2.5} />
    </svg>
  );
}

function Cell({ store, row, column }: { store: Store; row: Row; column: Column }) {
  switch (column) {
    case "kind":
      return <>{t(`annotate.${row.kind}`)}</>;
    case "size":
      return <>{sizeText(row, store.size)}</>;
    case "place":
      return <>{placeText(row.points[0] as Triple)}</>;
    case "place_nm":
      return <>{placeNmText(row.points[0] as Triple, store.size)}</>;
    case "tags":
      return <>{row.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}</>;
    case "atlas_state":
      return <>{row.atlas_state && t(`annotate.state_${row.atlas_state}` as "annotate.state_accepted")}</>;
    case "created":
      return <>{when(row.created)}</>;
    case "changed":
      return <>{when(row.changed)}</>;
    default:
      return <>{row[column]}</>;
  }
}

function Empty({ store }: { store: Store }) {
  const filtered = Object.keys(store.filters.value).length > 0 || store.hidden.value.length > 0;
  return (
    <p class="hint empty">
      {t(filtered ? "annotate.none_fit" : store.mayWrite ? "annotate.none_yet" : "annotate.none_shared")}
    </p>
  );
}

function Pager({ store }: { store: Store }) {
  const page = store.cursors.value.length;
  const rows = store.rows.value?.length ?? 0;
  if (page === 1 && store.next.value === null) return null;
  const first = (page - 1) * PAGE + 1;
  return (
    <nav class="row pager" aria-label={t("annotate.pages")}>
      <Button disabled={page === 1} onClick={() => store.turn(-1)}>← {t("annotate.previous")}</Button>
      <span role="status">{t("annotate.range", { first: count(first), last: count(first + rows - 1) })}</span>
      <Button disabled={store.next.value === null} onClick={() => store.turn(1)}>{t("annotate.next")} →</Button>
    </nav>
  );
}
