// Segments that are selected, and the user's merges of them.
import { computed, signal } from "@preact/signals";
import { dataset as pathOf, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { tell } from "../../ui";

export interface Step {
  number: number;
  action: "merge" | "split";
  segments: string[];
  base_version: string;
  created: string;
  undone: boolean;
  outdated: boolean;
}

export interface Sandbox {
  version: string;
  equivalences: string[][];
  steps: Step[];
}

export function makeSegments(dataset: Dataset, layer: string) {
  const path = `${pathOf(dataset.name)}/merges/${encodeURIComponent(layer)}`;
  const selected = signal<readonly string[]>([]);
  const sandbox = signal<Sandbox | null>(null);
  const error = signal<string | null>(null);
  const busy = signal(false);
  const selectedGroups = computed(() => {
    const groups = sandbox.value?.equivalences ?? [];
    return groups.filter((group) => selected.value.some((one) => group.includes(one)));
  });

  // One entry for each thing that is selected: a group, or a segment by itself; in the order of selection.
  const things = computed(() => {
    const seen = new Map<string, readonly string[]>();
    for (const one of selected.value) {
      const group = selectedGroups.value.find((members) => members.includes(one)) ?? [one];
      seen.set(group[0] as string, group);
    }
    return [...seen.values()];
  });

  async function load(): Promise<void> {
    sandbox.value = await request<Sandbox>(path);
  }

  // Send a step; the answer is the sandbox after it.
  async function send(step: string, body: unknown, done?: string): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      sandbox.value = await request<Sandbox>(path + step, { method: "POST", body });
      error.value = null;
      if (done) tell(done, step === "" ? { action: { label: t("annotate.undo"), run: () => void undo() } } : {});
      return true;
    } catch (reason) {
      error.value = (reason as Error).message;
      return false;
    } finally {
      busy.value = false;
    }
  }

  // The first that was selected names the result; what it is merged with already stays.
  async function merge(): Promise<void> {
    const segments = things.value.map((group) => group[0] as string);
    if (segments.length < 2) return;
    const body = { action: "merge", segments, base_version: sandbox.value?.version };
    await send("", body, t("segments.merged", { n: segments.length, first: segments[0] ?? "" }));
  }

  // Take all of the selected groups apart, or some segments out of theirs.
  async function unmerge(given?: readonly string[]): Promise<void> {
    const segments = given ?? selectedGroups.value.flat();
    if (segments.length === 0) return;
    const body = { action: "split", segments, base_version: sandbox.value?.version };
    await send("", body, t("segments.unmerged"));
  }

  const undo = () => send("/undo", undefined);
  const redo = () => send("/redo", undefined);
  const confirm = () => send("/confirm", { base_version: sandbox.value?.version });

  async function clear(): Promise<void> {
    try {
      sandbox.value = await request<Sandbox>(path, { method: "DELETE" });
      error.value = null;
    } catch (reason) {
      error.value = (reason as Error).message;
    }
  }

  function follow(now: readonly string[]): void {
    if (now.join() !== selected.value.join()) selected.value = now;
  }

  return {
    layer, selected, selectedGroups, things, sandbox, error, busy,
    load, merge, unmerge, undo, redo, confirm, clear, follow,
  };
}

export type Segments = ReturnType<typeof makeSegments>;
