import type { Dataset } from "../../api/types";

export function Annotate(_: { dataset: Dataset; tab: string }) {
  return <h1>Annotate</h1>;
}
