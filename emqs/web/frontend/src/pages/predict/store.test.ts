import { beforeEach, expect, test, vi } from "vitest";

beforeEach(() => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
});

test("a part that cannot be chosen is told, and nothing is busy any more", async () => {
  const { busy, failure, runIn } = await import("./store");
  await runIn(() => Promise.reject(new Error("no viewer")));
  expect(busy.value).toBe(false);
  expect(failure.value?.message).toBe("no viewer");
});

test("a choice that was given up says nothing", async () => {
  const { busy, cancel, failure, part, runIn } = await import("./store");
  failure.value = null;
  let choose: (() => void) | undefined;
  const waiting = runIn(() => new Promise((done) => {
    choose = () => done({ start: [0, 0, 0], stop: [1, 1, 1] } as never);
  }));
  expect(busy.value).toBe(true);
  cancel();
  choose?.();
  await waiting;
  expect(busy.value).toBe(false);
  expect(failure.value).toBeNull();
  expect(part.value).toBeNull();
});
