// The viewer of a dataset; neuroglancer is loaded when it is first shown.
import { effect, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dataset as path, expired, reached, request } from "../api/client";
import type { Dataset } from "../api/types";
import { t } from "../i18n";
import { hash, keep, route } from "../router";
import "../styles/viewer.css";
import { Message, Spinner } from "../ui";
import { compact, expanded, fitted } from "./state";
import { Tools } from "./Tools";
import type { ViewerHandle, ViewerState } from "./types";

// The viewer on the page, if there is one; pages act on it.
export const viewer = signal<ViewerHandle | null>(null);

// The viewer, as soon as it is laid out: what is asked for while it loads is done then, and not lost.
export async function standing(signal: AbortSignal): Promise<ViewerHandle> {
  for (;;) {
    signal.throwIfAborted();
    const handle = viewer.value;
    if (handle?.isLaidOut()) return handle;
    await new Promise(requestAnimationFrame);
  }
}

// What a page does with the viewer while it is shown, and takes back when it is left: before the next
// page does something, so that nobody takes back what is not theirs.
export function useViewing(
  dataset: string | undefined, act: (handle: ViewerHandle) => (() => void) | undefined, inputs: readonly unknown[],
): void {
  const handle = viewer.value;
  useLayoutEffect(() => {
    const mine = handle !== null && viewer.peek() === handle && handle.dataset === dataset; // not of the dataset before
    return mine ? act(handle) : undefined;
  }, [handle, dataset, ...inputs]);
}

const last = new Map<string, ViewerState>(); // how each dataset was left

interface Following {
  handle: ViewerHandle;
  name: string;
  normal: ViewerState; // what the server says
  first: ViewerState; // what is shown if the address says nothing
}

// A view may name a part of the state alone, such as the position.
function whole(given: unknown, { normal, first }: Pick<Following, "normal" | "first">): ViewerState {
  return expanded({ ...compact(first, normal), ...(given as ViewerState | undefined) }, normal);
}

// Keep the view in the address, and follow an address that somebody else changed; returns how to stop.
function follow({ handle, name, normal, first }: Following): () => void {
  let mine = JSON.stringify(hash.value.view ?? null);
  function write(state: ViewerState): void {
    const kept = compact(state, normal);
    last.set(name, kept);
    mine = JSON.stringify(kept);
    keep("view", kept);
  }
  const stopListening = handle.onState(write);
  const stopEffect = effect(() => {
    const given = hash.value.view;
    if (route.value.path[1] !== name) return;
    if (given === undefined) {
      write(handle.state()); // another page, with the same view
    } else if (JSON.stringify(given) !== mine) {
      mine = JSON.stringify(given);
      handle.restore(whole(given, { normal, first }));
    }
  });
  let broken = false;
  const stopMending = effect(() => {
    const fine = reached.value && !expired.value;
    if (fine && broken) handle.reload();
    broken = !fine;
  });
  return () => {
    stopListening();
    stopEffect();
    stopMending();
  };
}

export function Viewer({ dataset }: { dataset: Dataset }) {
  const target = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let handle: ViewerHandle | null = null;
    let stopped = false;
    let forget = () => {};
    setError(null);
    setLoading(true);
    const left = last.get(dataset.name);
    if (hash.value.view === undefined && left !== undefined) keep("view", left); // a link copied meanwhile has it
    async function start(): Promise<void> {
      const [{ makeViewer }, normal] = await Promise.all([
        import("./neuroglancer"),
        request<ViewerState>(`${path(dataset.name)}/state`),
      ]);
      if (stopped || target.current === null) return;
      const kept = hash.value.view;
      const first = fitted(normal, dataset, target.current);
      handle = makeViewer(target.current, dataset.name, whole(kept, { normal, first }));
      forget = follow({ handle, name: dataset.name, normal, first });
      viewer.value = handle;
      setLoading(false);
    }
    start().catch((reason: unknown) => {
      if (stopped) return;
      setError(reason instanceof Error ? reason.message : String(reason));
      setLoading(false);
    });
    return () => {
      stopped = true;
      forget();
      if (viewer.value === handle) viewer.value = null;
      handle?.dispose();
    };
  }, [dataset.name, dataset.revision, tries]);
  return (
    <section class="viewer" aria-label={t("viewer.label", { name: dataset.title || dataset.name })}>
      <Tools handle={viewer.value} dataset={dataset} />
      <div class="stage">
        <div ref={target} class="neuroglancer" />
        {loading && <Spinner label={t("viewer.loading")} />}
        {error && (
          <Message kind="error">
            {error}{" "}
            <button type="button" class="button" onClick={() => setTries(tries + 1)}>
              {t("common.retry")}
            </button>
          </Message>
        )}
      </div>
    </section>
  );
}
