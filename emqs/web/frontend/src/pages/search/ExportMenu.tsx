// Matches as files: a table, JSON, or a state of neuroglancer.
import { dataset as path, url } from "../../api/client";
import { t } from "../../i18n";
import { csvOf } from "./model";
import type { Result } from "./store";

export function exportAddress(dataset: string, id: string, format: "csv" | "json" | "neuroglancer"): string {
  return url(`${path(dataset)}/searches/${encodeURIComponent(id)}/export`, { format });
}

export function offer(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function SavedExports({ dataset, id }: { dataset: string; id: string }) {
  return (
    <>
      <a class="button quiet" download href={exportAddress(dataset, id, "csv")}>CSV</a>
      <a class="button quiet" download href={exportAddress(dataset, id, "json")}>JSON</a>
      <a class="button quiet" download href={exportAddress(dataset, id, "neuroglancer")}>neuroglancer</a>
    </>
  );
}

export function ExportMenu({ now }: { now: Result }) {
  const { dataset, saved, matches, question, fingerprint } = now;
  const name = `${dataset}-search`;
  return (
    <details class="menu">
      <summary class="button">{t("search.export")}</summary>
      <div class="menu-items">
        {saved !== null ? (
          <SavedExports dataset={dataset} id={saved.id} />
        ) : (
          <>
            <button type="button" class="button quiet" onClick={() => offer(`${name}.csv`, "text/csv", csvOf(matches))}>
              CSV
            </button>
            <button
              type="button" class="button quiet"
              onClick={() => offer(`${name}.json`, "application/json", JSON.stringify({ question, fingerprint, matches }, null, 1))}
            >
              JSON
            </button>
            <p class="hint">{t("search.export_hint")}</p>
          </>
        )}
      </div>
    </details>
  );
}
