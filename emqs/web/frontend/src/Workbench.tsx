// The viewer on the left and the panel of a page on the right; the viewer stays when the page changes.
import type { ComponentChildren } from "preact";
import type { Dataset } from "./api/types";
import { Viewer } from "./viewer/Viewer";

export function Workbench({ dataset, children }: { dataset: Dataset; children: ComponentChildren }) {
  return (
    <div class="workbench">
      <Viewer dataset={dataset} />
      <div class="panel">{children}</div>
    </div>
  );
}
