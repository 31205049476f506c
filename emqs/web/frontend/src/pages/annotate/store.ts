// The annotations of the page: which are asked for, those of the page of the table that is shown, and
// every change that the user makes, each with a way back.
import { batch, computed, signal } from "@preact/signals";
import { dataset as pathOf, request, url } from "../../api/client";
import { hasRole, type Dataset } from "../../api/types";
import { count, t, type Word } from "../../i18n";
import { hash, keep } from "../../router";
import { me } from "../../session";
import { dismiss, notices, tell, tellError } from "../../ui";
import type { Shape } from "../../viewer/types";
import { CLASSES, type Annotation, type Fields, type Row, type Triple } from "./model";

export const PAGE = 50;
const AT_ONCE = 1000; // rows that are asked for to select many
const MOST_SELECTED = 10_000; // of a batch

export interface Filters {
  text?: string;
  tag?: string;
  kind?: string;
  owner?: string;
  atlas_state?: string;
  colour_class?: string;
  z?: string; // "first,one after the last"
}

type Sorted = "created" | "changed" | "title" | "kind";
export type Sort = Sorted | `-${Sorted}`;

interface Kept {
  filters?: Filters;
  sort?: Sort;
  hidden?: string[]; // owners that are not seen
  one?: string; // the annotation that is looked at
}

interface Listed {
  annotations: Annotation[];
  owners: Record<string, string>;
  after: string | null;
  change: number;
  count?: number;
  count_is_exact?: boolean;
}

interface Report {
  rows: { index: number; status: string; id?: string; revision?: number; error?: string }[];
  counts: Record<string, number>;
}

interface Undo {
  label: string;
  run: () => Promise<void>;
}

type Ref = Pick<Annotation, "id" | "revision" | "tags">;

export function makeStore(dataset: Dataset) {
  const path = `${pathOf(dataset.name)}/annotations`;
  const kept = (hash.peek().annotate ?? {}) as Kept;
  const filters = signal<Filters>(kept.filters ?? {});
  const sort = signal<Sort>(kept.sort ?? "-created");
  const hidden = signal<readonly string[]>(kept.hidden ?? []);
  const current = signal<string | null>(kept.one ?? null);
  const owners = signal<readonly string[]>([]); // whose one sees, by name; oneself among them
  const groups = signal<readonly string[]>([]); // that see one's own
  const rows = signal<readonly Row[] | null>(null); // null: not loaded yet
  const error = signal<string | null>(null);
  const busy = signal(false);
  const cursors = signal<readonly (string | null)[]>([null]); // of the pages up to the one shown
  const next = signal<string | null>(null);
  const total = signal<{ count: number; exact: boolean } | null>(null);
  const change = signal(0); // the newest change of the dataset that one knows of
  const selected = signal<ReadonlyMap<string, Ref>>(new Map());
  const newest = signal<readonly Row[]>([]); // made or changed, and perhaps not in the viewer's cells yet
  const sketch = signal<readonly Shape[]>([]); // what is being drawn
  const undos = signal<readonly Undo[]>([]);
  const mine = me.peek()?.name ?? "";
  const mayWrite = hasRole(dataset, "annotator");
  const size = dataset.voxel_size_nm as Triple;
  let asked: AbortController | null = null;
  let notice = 0; // the last one

  const shownOwners = computed(() => {
    if (filters.value.owner) return [filters.value.owner];
    return owners.value.filter((name) => !hidden.value.includes(name));
  });
  const classes = computed<readonly string[]>(() => {
    const own = (me.value?.settings.classes as string[] | undefined) ?? [];
    return [...new Set([...CLASSES, ...own])];
  });

  function query(): Record<string, string | readonly string[] | undefined> {
    const { owner: _, ...rest } = filters.value;
    const all = hidden.value.length === 0 && !filters.value.owner;
    return { ...rest, owner: all ? undefined : shownOwners.value };
  }

  function remember(): void {
    const state: Kept = {};
    if (Object.keys(filters.value).length > 0) state.filters = filters.value;
    if (sort.value !== "-created") state.sort = sort.value;
    if (hidden.value.length > 0) state.hidden = [...hidden.value];
    if (current.value !== null) state.one = current.value;
    keep("annotate", Object.keys(state).length > 0 ? state : undefined);
  }

  function named(one: Annotation, names: Record<string, string>): Row {
    return { ...one, owner: names[one.owner_id] ?? "" };
  }

  async function load(counting = false): Promise<void> {
    asked?.abort();
    asked = new AbortController();
    busy.value = true;
    error.value = null;
    if (owners.value.length > 0 && shownOwners.value.length === 0) {
      batch(() => {
        rows.value = [];
        next.value = null;
        total.value = { count: 0, exact: true };
        busy.value = false;
      });
      return;
    }
    const after = cursors.value[cursors.value.length - 1];
    try {
      const page = await request<Listed>(path, {
        query: { ...query(), sort: sort.value, limit: PAGE, after, count: counting || undefined },
        signal: asked.signal,
      });
      batch(() => {
        rows.value = page.annotations.map((one) => named(one, page.owners));
        next.value = page.after;
        change.value = Math.max(change.value, page.change);
        if (page.count !== undefined) total.value = { count: page.count, exact: page.count_is_exact ?? true };
        busy.value = false;
      });
    } catch (reason) {
      if (reason instanceof DOMException && reason.name === "AbortError") return;
      error.value = (reason as Error).message;
      busy.value = false;
    }
  }

  async function loadOwners(): Promise<void> {
    const seen = await request<{ groups: string[]; owners: string[] }>(`${pathOf(dataset.name)}/shares`);
    batch(() => {
      groups.value = seen.groups;
      owners.value = seen.owners;
    });
  }

  function first(): void {
    cursors.value = [null];
    remember();
    void load(true);
  }

  function setFilters(given: Partial<Filters>): void {
    const merged = Object.entries({ ...filters.value, ...given }).filter(([, value]) => value);
    filters.value = Object.fromEntries(merged) as Filters;
    selected.value = new Map();
    first();
  }

  function setSort(by: Sort): void {
    sort.value = by;
    first();
  }

  function setHidden(names: readonly string[]): void {
    hidden.value = names;
    first();
  }

  function turn(step: 1 | -1): void {
    if (step === 1 && next.value !== null) cursors.value = [...cursors.value, next.value];
    else if (step === -1 && cursors.value.length > 1) cursors.value = cursors.value.slice(0, -1);
    else return;
    void load();
  }

  function look(id: string | null): void {
    current.value = id;
    remember();
  }

  // --- what the user does --------------------------------------------------------------------

  function done(label: string, back: (() => Promise<void>) | null): void {
    const entry = back && { label, run: back };
    if (entry) undos.value = [...undos.value.slice(-49), entry];
    say(label, entry ? { label: t("annotate.undo"), run: () => void undo(entry) } : undefined);
  }

  // One notice at a time: of a hundred clicks the last one can be taken back there, all by the button.
  function say(text: string, action?: { label: string; run: () => void }): void {
    dismiss(notice);
    tell(text, { action });
    notice = notices.value.at(-1)?.id ?? 0;
  }

  async function undo(entry = undos.value[undos.value.length - 1]): Promise<void> {
    if (entry === undefined || !undos.value.includes(entry)) return;
    undos.value = undos.value.filter((one) => one !== entry);
    try {
      await entry.run();
      say(t("annotate.undone", { what: entry.label }));
    } catch (reason) {
      tellError(reason);
    }
    await load(true);
  }

  function put(one: Annotation, gone = false): Row {
    const row = { ...one, owner: mine };
    change.value = Math.max(change.value, one.change);
    newest.value = [...newest.value.filter((old) => old.id !== one.id), ...(gone ? [] : [row])];
    if (rows.value !== null) {
      rows.value = gone
        ? rows.value.filter((old) => old.id !== one.id)
        : rows.value.map((old) => (old.id === one.id ? row : old));
    }
    const chosen = new Map(selected.value);
    if (chosen.has(one.id)) {
      if (gone) chosen.delete(one.id);
      else chosen.set(one.id, one);
      selected.value = chosen;
    }
    return row;
  }

  function match(revision: number): Record<string, string> {
    return { "If-Match": `"${revision}"` };
  }

  async function take(one: Annotation): Promise<void> {
    const back = await request<Annotation>(`${path}/${one.id}/undo`, {
      method: "POST", headers: match(one.revision),
    });
    put(back, back.deleted !== null);
  }

  async function remove(one: Annotation, quiet = false): Promise<void> {
    const gone = await request<Annotation>(`${path}/${one.id}`, { method: "DELETE", headers: match(one.revision) });
    put(gone, true);
    if (current.value === one.id) look(null);
    if (!quiet) done(t("annotate.deleted_one", { what: called(one) }), () => take(gone));
  }

  async function create(fields: Partial<Fields>): Promise<Row> {
    const made = await request<Annotation>(path, { body: fields });
    const row = put(made);
    const fits = Object.keys(filters.value).length === 0 && sort.value === "-created" && cursors.value.length === 1;
    if (fits && rows.value !== null) rows.value = [row, ...rows.value].slice(0, PAGE);
    if (fits && total.value !== null) total.value = { ...total.value, count: total.value.count + 1 };
    look(row.id);
    done(t("annotate.made", { what: called(row) }), async () => {
      const now = await request<Annotation>(`${path}/${row.id}`);
      await remove(now, true);
    });
    if (!fits) await load(true);
    return row;
  }

  async function edit(one: Annotation, fields: Partial<Fields>): Promise<void> {
    const changed = await request<Annotation>(`${path}/${one.id}`, {
      method: "PATCH", headers: match(one.revision), body: fields,
    });
    put(changed);
    if (changed.revision === one.revision) return; // nothing is different
    done(t("annotate.changed_one", { what: called(changed) }), () => take(changed));
  }

  function told(report: Report, refs: readonly Ref[], word: Word, status: string): [string, number][] {
    const good = report.rows.filter((row) => row.status === status);
    const bad = report.rows.filter((row) => row.status === "failed");
    if (bad.length > 0) {
      tellError(new Error(t("annotate.some_failed", { n: count(bad.length), why: bad[0]?.error ?? "" })));
    }
    const pairs = good.map((row) => [row.id ?? (refs[row.index]?.id as string), row.revision ?? 0] as [string, number]);
    if (pairs.length === 0) return pairs;
    done(t(word, { n: count(pairs.length) }), async () => {
      await request(`${path}/batch/undo`, { body: { rows: pairs.map(([id, revision]) => ({ id, revision })) } });
    });
    return pairs;
  }

  async function removeSelected(): Promise<void> {
    const refs = [...selected.value.values()];
    const body = { rows: refs.map(({ id, revision }) => ({ id, revision })) };
    const report = await request<Report>(`${path}/batch/delete`, { body });
    const gone = new Set(told(report, refs, "annotate.deleted_many", "deleted").map(([id]) => id));
    newest.value = newest.value.filter((row) => !gone.has(row.id));
    if (current.value !== null && gone.has(current.value)) look(null);
    selected.value = new Map();
    await load(true);
  }

  // Change the tags and the colour class of all that are selected.
  async function changeSelected(edits: { add: string[]; drop: string[]; colour?: string }): Promise<void> {
    const refs = [...selected.value.values()];
    const changed = refs.map(({ id, revision, tags }) => ({
      id,
      revision,
      tags: [...new Set([...tags.filter((tag) => !edits.drop.includes(tag)), ...edits.add])],
      ...(edits.colour === undefined ? {} : { colour_class: edits.colour }),
    }));
    const report = await request<Report>(`${path}/batch`, { body: { rows: changed } });
    told(report, refs, "annotate.changed_many", "updated");
    const revisions = new Map(report.rows.map((row) => [row.id, row.revision]));
    selected.value = new Map(
      changed.map((row) => [row.id, { ...row, revision: revisions.get(row.id) ?? row.revision }]),
    );
    newest.value = [];
    await load(true);
  }

  function choose(refs: readonly Ref[], on: boolean): void {
    const chosen = new Map(selected.value);
    for (const one of refs) {
      if (on) chosen.set(one.id, { id: one.id, revision: one.revision, tags: one.tags });
      else chosen.delete(one.id);
    }
    selected.value = chosen;
  }

  // Select own ones on every page of the list.
  async function chooseAll(): Promise<void> {
    if (!shownOwners.value.includes(mine)) return;
    const found: Annotation[] = [];
    let after: string | null = null;
    do {
      const page: Listed = await request<Listed>(path, {
        query: { ...query(), owner: mine, sort: sort.value, limit: AT_ONCE, after },
      });
      found.push(...page.annotations);
      after = page.after;
    } while (after !== null && found.length < MOST_SELECTED);
    choose(found.slice(0, MOST_SELECTED), true);
  }

  // Take over an own annotation as it is on the server now, e.g. with its state in the atlas.
  async function refresh(id: string): Promise<void> {
    put(await one(id));
  }

  function one(id: string): Promise<Row> {
    return request<Row>(`${path}/${encodeURIComponent(id)}`);
  }

  return {
    dataset, path, size, mine, mayWrite,
    filters, sort, hidden, current, owners, shownOwners, groups, rows, error, busy, cursors, next, total,
    layers: new Set<string>(), // of the viewer, that show annotations
    change, selected, newest, sketch, undos, classes,
    load, loadOwners, setFilters, setSort, setHidden, turn, look, first,
    create, edit, remove, undo, removeSelected, changeSelected, choose, chooseAll, one, refresh,
    numbered: (number: string) => request<Row>(`${path}/by-number/${number}`),
    exportUrl: (format: string, more: Record<string, string> = {}) =>
      url(`${path}/export`, { ...query(), ...more, sort: sort.value, format }),
  };
}

export type Store = ReturnType<typeof makeStore>;

export function called(one: Pick<Annotation, "title" | "kind">): string {
  return one.title || t(`annotate.${one.kind}`);
}
