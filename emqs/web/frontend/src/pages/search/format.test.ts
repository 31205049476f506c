import { expect, test } from "vitest";
import { embeddings } from "./embeddings";
import { centreOf } from "./format";

test("a match lies where its table says, an old one where its patch is", () => {
  const placed = { z: 1, y: 39.5, x: 59.5, z_nm: 20 };
  const match = { dataset: "toy", z: 1, y: 40, x: 60 };
  expect(centreOf({ ...match, placed })).toEqual({ z: 1, y: 39.5, x: 59.5 });
  embeddings.value = { toy: { patch: 80 } } as unknown as typeof embeddings.value;
  expect(centreOf({ ...match, placed: null })).toEqual({ z: 1, y: 39.5, x: 59.5 });
  embeddings.value = { toy: { patch: 65 } } as unknown as typeof embeddings.value;
  expect(centreOf(match)).toEqual({ z: 1, y: 40, x: 60 });
});
