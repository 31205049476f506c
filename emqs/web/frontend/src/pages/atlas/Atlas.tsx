import type { Dataset } from "../../api/types";

export function Atlas(_: { dataset: Dataset | null; rest: string[] }) {
  return <h1>Atlas</h1>;
}
