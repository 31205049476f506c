// The search that is open: it stays while one looks at other pages or datasets.
import { computed, signal } from "@preact/signals";
import { ApiError, dataset as path, request } from "../../api/client";
import type { Place } from "../../api/types";
import { EMPTY, keyOf, questionOf, sameQuestion, stateOf, withExample, withoutExample } from "./model";
import type { Answer, Example, Filters, Kind, Mark, Match, Question, Saved, SavedWhole, SearchState } from "./types";

export interface Result {
  dataset: string; // that was open when it was asked
  question: Question;
  matches: Match[];
  after: number | null;
  seconds: number; // until it was here
  fingerprint: Record<string, string>;
  saved: Saved | null;
  suggestions: Match[] | null;
}

export interface Failure {
  message: string;
  status: number;
  retry: () => void;
}

export type Work = "search" | "more" | "suggest" | "save";

const MOST_STEPS = 100;
const N_SUGGESTIONS = 6;
const AUTO = "emqs.search.auto";

export const state = signal<SearchState>(EMPTY);
export const current = signal(""); // the dataset that is open
export const result = signal<Result | null>(null);
export const marks = signal<Record<string, Mark>>({});
export const chosen = signal<ReadonlySet<string>>(new Set());
export const busy = signal<Work | null>(null);
export const failure = signal<Failure | null>(null);
export const pendingPlace = signal<(Place & { dataset: string }) | null>(null);
export const auto = signal(localStorage.getItem(AUTO) === "yes");

const past = signal<readonly SearchState[]>([]);
export const canUndo = computed(() => past.value.length > 0);
export const question = computed(() => questionOf(state.value, current.value));
export const canSearch = computed(() => state.value.positives.length > 0);
// Whether the cards answer another question than the one that is put together now.
export const isStale = computed(() => {
  const now = result.value;
  if (now === null) return false;
  return now.dataset !== current.value || !sameQuestion(now.question, question.value);
});

let running: AbortController | null = null;

// --- examples and filters ------------------------------------------------------------------------

function change(next: SearchState): void {
  if (next === state.value) return;
  past.value = [...past.value.slice(-MOST_STEPS), state.value];
  state.value = next;
  if (auto.value && next.positives.length > 0) void run();
}

export function add(kind: Kind, example: Example): void {
  change(withExample(state.value, kind, example));
}

export function remove(kind: Kind, example: Example): void {
  change(withoutExample(state.value, kind, example));
}

export function clear(): void {
  if (state.value.positives.length + state.value.negatives.length > 0) {
    change({ ...state.value, positives: [], negatives: [] });
  }
}

export function setFilters(filters: Partial<Filters>): void {
  const next = { ...state.value, filters: { ...state.value.filters, ...filters } };
  if (JSON.stringify(next) !== JSON.stringify(state.value)) change(next);
}

export function undo(): void {
  const before = past.value.at(-1);
  if (before === undefined) return;
  past.value = past.value.slice(0, -1);
  state.value = before;
  if (auto.value && before.positives.length > 0) void run();
}

export function setAuto(on: boolean): void {
  auto.value = on;
  localStorage.setItem(AUTO, on ? "yes" : "no");
  if (on && canSearch.value && (result.value === null || isStale.value)) void run();
}

// --- asking --------------------------------------------------------------------------------------

export function cancel(): void {
  running?.abort();
  running = null;
  busy.value = null;
}

// Do something that a newer request replaces; what went wrong is told with a way to try again.
async function work(kind: Work, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  cancel();
  const controller = new AbortController();
  running = controller;
  busy.value = kind;
  failure.value = null;
  try {
    await act(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return;
    const status = error instanceof ApiError ? error.status : -1;
    const message = error instanceof Error ? error.message : String(error);
    failure.value = { message, status, retry: () => void work(kind, act) };
  } finally {
    if (running === controller) {
      running = null;
      busy.value = null;
    }
  }
}

function root(dataset: string): string {
  return `${path(dataset)}/search`;
}

interface Asking {
  dataset: string;
  question: Question;
  started: number;
}

function take(answer: Answer, { dataset, question, started }: Asking): void {
  result.value = {
    dataset,
    question,
    matches: answer.matches,
    after: answer.after,
    fingerprint: answer.fingerprint,
    seconds: (performance.now() - started) / 1000,
    saved: null,
    suggestions: null,
  };
  chosen.value = new Set();
}

// Search; with `first` matches at once, where more than a page was on the page before.
export function run(options: { first?: number; keepMarks?: boolean } = {}): Promise<void> {
  const asking = { dataset: current.value, question: question.value, started: performance.now() };
  return work("search", async (signal) => {
    const k = Math.max(asking.question.k ?? 1, options.first ?? 0);
    const answer = await request<Answer>(root(asking.dataset), { body: { ...asking.question, k }, signal });
    take(answer, asking);
    if (!options.keepMarks) marks.value = {};
  });
}

export function more(): Promise<void> {
  const now = result.value;
  if (now === null || now.after === null || busy.value !== null) return Promise.resolve();
  return work("more", async (signal) => {
    const answer = await request<Answer>(root(now.dataset), { body: { ...now.question, after: now.after }, signal });
    const latest = result.value;
    if (latest === null || latest.after !== now.after) return;
    result.value = { ...latest, matches: [...latest.matches, ...answer.matches], after: answer.after };
  });
}

export function refine(): Promise<void> {
  const now = result.value;
  if (now === null) return Promise.resolve();
  const known = new Map([...(now.suggestions ?? []), ...now.matches].map((match) => [keyOf(match), match]));
  const given = Object.entries(marks.value).flatMap(([key, mark]) => {
    const match = known.get(key);
    return match === undefined ? [] : [{ z: match.z, y: match.y, x: match.x, dataset: match.dataset, mark }];
  });
  const started = performance.now();
  return work("search", async (signal) => {
    const body = { question: { ...now.question, after: 0 }, marks: given };
    const answer = await request<Answer & { question: Question }>(`${root(now.dataset)}/refine`, { body, signal });
    if (now.dataset === current.value) {
      past.value = [...past.value.slice(-MOST_STEPS), state.value];
      state.value = stateOf(answer.question, now.dataset);
    }
    take(answer, { dataset: now.dataset, question: answer.question, started });
    marks.value = {};
  });
}

export function suggest(): Promise<void> {
  const now = result.value;
  if (now === null) return Promise.resolve();
  return work("suggest", async (signal) => {
    const said = marks.value; // what was said already tells nothing new
    const n = Math.min(50, N_SUGGESTIONS + Object.keys(said).length);
    const body = { question: { ...now.question, after: 0 }, n };
    const { matches } = await request<{ matches: Match[] }>(`${root(now.dataset)}/suggestions`, { body, signal });
    const open = matches.filter((match) => !(keyOf(match) in said)).slice(0, N_SUGGESTIONS);
    if (result.value !== null) result.value = { ...result.value, suggestions: open };
  });
}

// --- marks and choice ----------------------------------------------------------------------------

export function setMark(match: Match, mark: Mark): void {
  const key = keyOf(match);
  const { [key]: before, ...rest } = marks.value;
  marks.value = before === mark ? rest : { ...rest, [key]: mark };
}

export function clearMarks(): void {
  marks.value = {};
}

export function choose(match: Match, on: boolean): void {
  const next = new Set(chosen.value);
  if (on) next.add(keyOf(match));
  else next.delete(keyOf(match));
  chosen.value = next;
}

// --- saved searches ------------------------------------------------------------------------------

export function open(saved: SavedWhole, dataset: string): void {
  cancel();
  failure.value = null;
  const { matches, marks: marked, ...rest } = saved;
  past.value = [...past.value.slice(-MOST_STEPS), state.value];
  state.value = stateOf(saved.question, dataset);
  marks.value = Object.fromEntries(marked.map((one) => [keyOf(one), one.mark]));
  chosen.value = new Set();
  result.value = {
    dataset,
    question: saved.question,
    matches,
    after: null,
    seconds: 0,
    fingerprint: saved.fingerprint,
    saved: rest,
    suggestions: null,
  };
}

export function openById(id: string, dataset: string, otherwise: () => Promise<void>): Promise<void> {
  return work("search", async (signal) => {
    try {
      const saved = await request<SavedWhole>(`${path(dataset)}/searches/${encodeURIComponent(id)}`, { signal });
      if (!signal.aborted) open(saved, dataset);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      await otherwise(); // somebody else's: the same question is asked again
    }
  });
}

export function runSaved(saved: Saved, dataset: string): Promise<void> {
  return work("search", async () => {
    const { same_fingerprint: same, ...whole } = await request<SavedWhole & { same_fingerprint: boolean }>(
      `${path(dataset)}/searches/${encodeURIComponent(saved.id)}/run`,
      { method: "POST" },
    );
    open(whole, dataset);
    sameStore.value = same;
  });
}

export const sameStore = signal<boolean | null>(null); // of the saved search that was run last

export interface Words {
  title: string;
  note: string;
  k: number;
}

// Keep the question with its answer; marks that were made are kept, too.
export async function save({ title, note, k }: Words): Promise<Saved> {
  const now = result.value;
  if (now === null) throw new Error("There is nothing to save.");
  const body = { title, note, question: { ...now.question, k, after: 0 } };
  const whole = await request<SavedWhole>(`${path(now.dataset)}/searches`, { body });
  const known = new Map(now.matches.map((match) => [keyOf(match), match]));
  const given = Object.entries(marks.value).flatMap(([key, mark]) => {
    const match = known.get(key);
    return match === undefined ? [] : [{ z: match.z, y: match.y, x: match.x, dataset: match.dataset, mark }];
  });
  let { matches: _, marks: __, ...saved } = whole;
  if (given.length > 0) {
    const marked = await request<SavedWhole>(`${path(now.dataset)}/searches/${saved.id}/marks`, {
      body: { marks: given, run: false },
    });
    ({ matches: _, marks: __, ...saved } = marked);
  }
  if (result.value?.question === now.question) result.value = { ...result.value, saved };
  return saved;
}

// --- another dataset -----------------------------------------------------------------------------

// The examples stay; what is meant in the dataset before does not.
export function enter(dataset: string): void {
  if (current.value === dataset) return;
  const before = current.value;
  current.value = dataset;
  if (before === "") return;
  past.value = [];
  const { filters } = state.value;
  const following = pendingPlace.value?.dataset === dataset;
  const datasets = following && filters.datasets.length === 0 ? [before] : filters.datasets;
  state.value = {
    ...state.value,
    filters: { ...filters, datasets, region: null, inside: [], outside: [], segmentation: null },
  };
  if (!following) {
    cancel();
    result.value = null;
    marks.value = {};
    failure.value = null;
  }
}
