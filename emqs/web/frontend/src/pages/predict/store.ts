// The prediction that is open: it stays while one looks at other pages.
import { computed, signal } from "@preact/signals";
import { ApiError, dataset as path, request } from "../../api/client";
import { current, state, type Failure } from "../search/store";
import { OWN_THRESHOLD, placesOf, type Answer, type Part, type Thing } from "./model";

const LIVE = "emqs.predict.live";

export interface Result extends Answer {
  dataset: string;
  asked: string; // what it answers
  seconds: number; // until it was here
}

export const part = signal<(Part & { cut?: boolean }) | null>(null); // that is predicted; null: none is
export const threshold = signal(OWN_THRESHOLD);
export const result = signal<Result | null>(null);
export const objects = signal<readonly Thing[]>([]);
export const busy = signal(false);
export const failure = signal<Failure | null>(null);
export const live = signal(localStorage.getItem(LIVE) !== "no");
export const most = signal(2 ** 20); // voxels that are predicted at once

export const examples = computed(() => ({
  positives: placesOf(state.value.positives, current.value),
  negatives: placesOf(state.value.negatives, current.value),
}));
export const nElsewhere = computed(() => {
  const { positives, negatives } = state.value;
  return positives.length + negatives.length - examples.value.positives.length - examples.value.negatives.length;
});
// What would be asked now; null: nothing can be.
export const question = computed(() => {
  if (part.value === null || examples.value.positives.length === 0) return null;
  const { start, stop } = part.value;
  return JSON.stringify({ ...examples.value, start, stop });
});
export const isStale = computed(() => {
  const now = result.value;
  return now !== null && question.value !== null && (now.asked !== question.value || now.dataset !== current.value);
});

let running: AbortController | null = null;
let answering: string | null = null; // what is asked now
let measuring: AbortController | null = null;

function told(error: unknown, retry: () => void): Failure {
  const status = error instanceof ApiError ? error.status : -1;
  return { message: error instanceof Error ? error.message : String(error), status, retry };
}

export function cancel(): void {
  running?.abort();
  running = answering = null;
  busy.value = false;
}

// Predict a part that is known in a moment: when the viewer stands that shows it.
export async function runIn(chosen: (signal: AbortSignal) => Promise<Part & { cut?: boolean }>): Promise<void> {
  cancel();
  const mine = new AbortController();
  running = mine;
  busy.value = true;
  let next;
  try {
    next = await chosen(mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    cancel();
    failure.value = told(error, () => void runIn(chosen));
    return;
  }
  if (mine.signal.aborted) return;
  part.value = next;
  await run();
}

// Predict the part that is chosen with the examples as they are now.
export async function run(): Promise<void> {
  const asked = question.value;
  if (asked === null) return cancel();
  if (asked === answering) return; // its answer is on its way
  cancel();
  const mine = new AbortController();
  running = mine;
  answering = asked;
  busy.value = true;
  failure.value = null;
  const dataset = current.value;
  const started = performance.now();
  try {
    const body = { ...(JSON.parse(asked) as object), threshold: threshold.value };
    const at = threshold.value;
    const answer = await request<Answer>(`${path(dataset)}/predictions`, { body, signal: mine.signal });
    if (mine.signal.aborted) return;
    result.value = { ...answer, dataset, asked, seconds: (performance.now() - started) / 1000 };
    objects.value = answer.objects;
    if (at !== threshold.value) void measure();
  } catch (error) {
    if (!mine.signal.aborted) failure.value = told(error, () => void run());
  } finally {
    if (running === mine) {
      running = answering = null;
      busy.value = false;
    }
  }
}

// The objects at the threshold as it is now; the probability stays.
export async function measure(): Promise<void> {
  const now = result.value;
  if (now === null) return;
  measuring?.abort();
  const mine = new AbortController();
  measuring = mine;
  try {
    const query = { threshold: threshold.value };
    const answer = await request<{ objects: Thing[] }>(`${path(now.dataset)}/predictions/${now.id}/objects`, {
      query, signal: mine.signal,
    });
    if (!mine.signal.aborted && result.value?.id === now.id) objects.value = answer.objects;
  } catch (error) {
    if (mine.signal.aborted) return;
    const gone = error instanceof ApiError && error.status === 404;
    failure.value = told(error, () => void (gone ? run() : measure()));
  }
}

export function setLive(on: boolean): void {
  live.value = on;
  localStorage.setItem(LIVE, on ? "yes" : "no");
}

export function close(): void {
  cancel();
  part.value = null;
  result.value = null;
  objects.value = [];
  failure.value = null;
}
