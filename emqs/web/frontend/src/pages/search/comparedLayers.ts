// What two searches gave, as layers of the viewer.
import { effect } from "@preact/signals";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { useViewing } from "../../viewer/Viewer";
import { COLOURS, draw, matchesAs, patchAs } from "./drawing";
import { embeddings } from "./embeddings";
import { highlighted } from "./highlight";
import type { Comparison } from "./types";

const SHOWN = { both: "#56b4e9", only_first: "#e69f00", only_second: "#cc79a7" } as const;

export function useComparedLayers(comparison: Comparison | null, dataset: Dataset): void {
  useViewing(dataset.name, (handle) => {
    if (comparison === null) return undefined;
    const names = { both: t("saved.both"), only_first: t("saved.first"), only_second: t("saved.second") };
    const highlight = t("search.layer_highlight");
    for (const part of Object.keys(SHOWN) as (keyof typeof SHOWN)[]) {
      draw(handle, names[part], SHOWN[part], matchesAs(comparison[part], dataset.name));
    }
    const stop = effect(() => {
      const match = highlighted.value;
      const edge = embeddings.value[dataset.name]?.patch ?? 64;
      draw(handle, highlight, COLOURS.highlight, match === null ? [] : patchAs(match, dataset.name, edge));
    });
    return () => {
      stop();
      [...Object.values(names), highlight].forEach((name) => handle.hide(name));
      highlighted.value = null;
    };
  }, [comparison]);
}
