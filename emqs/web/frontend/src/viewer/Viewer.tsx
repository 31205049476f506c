// The viewer of a dataset; neuroglancer is loaded when it is first shown.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { dataset as path, request } from "../api/client";
import type { Dataset } from "../api/types";
import { t } from "../i18n";
import { hash, keep } from "../router";
import { Message, Spinner } from "../ui";
import { compact, expanded } from "./state";
import type { ViewerHandle, ViewerState } from "./types";

// The viewer on the page, if there is one; pages act on it.
export const viewer = signal<ViewerHandle | null>(null);

export function Viewer({ dataset }: { dataset: Dataset }) {
  const target = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let handle: ViewerHandle | null = null;
    let stopped = false;
    let forget = () => {};
    async function start(): Promise<void> {
      const [{ makeViewer }, normal] = await Promise.all([
        import("./neuroglancer"),
        request<ViewerState>(`${path(dataset.name)}/state`),
      ]);
      if (stopped || target.current === null) return;
      handle = makeViewer(target.current, expanded(hash.value.view, normal));
      forget = handle.onState((state) => keep("view", compact(state, normal)));
      viewer.value = handle;
      setLoading(false);
    }
    start().catch((reason: unknown) => {
      setError(reason instanceof Error ? reason.message : String(reason));
      setLoading(false);
    });
    return () => {
      stopped = true;
      forget();
      if (viewer.value === handle) viewer.value = null;
      handle?.dispose();
    };
  }, [dataset.name, dataset.revision]);
  return (
    <section class="viewer" aria-label={t("viewer.label", { name: dataset.title || dataset.name })}>
      <div ref={target} class="neuroglancer" />
      {loading && <Spinner label={t("viewer.loading")} />}
      {error && <Message kind="error">{error}</Message>}
    </section>
  );
}
