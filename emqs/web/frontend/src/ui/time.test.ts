import { afterEach, expect, test } from "vitest";
import { speak } from "../i18n";
import { ago, dateOf } from "./time";

const NOW = new Date("2026-03-10T12:00:00Z");
const before = (seconds: number) => ago(new Date(NOW.getTime() - seconds * 1000), NOW);

afterEach(() => speak("en"));

test("times in words", () => {
  expect([5, 120, 7200, 86_400 * 3].map(before)).toEqual(["just now", "2 minutes ago", "2 hours ago", "3 days ago"]);
  expect(before(-3600 * 24 * 7)).toBe("in 7 days");
  expect(before(-10)).toBe("in a moment");
  speak("de");
  expect(before(86_400)).toBe("gestern");
});

test("long ago is a date", () => expect(before(86_400 * 60)).toMatch(/2026/));

test("seconds and texts are the same time", () => {
  expect(dateOf(1_773_144_000).getTime()).toBe(NOW.getTime());
  expect(dateOf("2026-03-10T12:00:00.000000+00:00").getTime()).toBe(NOW.getTime());
});
