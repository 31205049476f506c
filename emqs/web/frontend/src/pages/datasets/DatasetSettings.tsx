import type { Dataset } from "../../api/types";

export function DatasetSettings(_: { dataset: Dataset; tab: string }) {
  return <h1>DatasetSettings</h1>;
}
