import type { Dataset } from "../../api/types";

export function Reviews(_: { dataset: Dataset; rest: string[] }) {
  return <h1>Reviews</h1>;
}
