import type { Dataset } from "../../api/types";

export function Search(_: { dataset: Dataset }) {
  return <h1>Search</h1>;
}
