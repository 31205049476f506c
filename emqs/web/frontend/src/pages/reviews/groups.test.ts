import { expect, test } from "vitest";
import { COLOURS, coloursOf, groupsOf } from "./groups";

const LARGE = "18446744073709551615"; // 2^64 - 1, more than a number holds

test("segments are put to the one that they become, which comes first", () => {
  const groups = groupsOf({ "2": "1", "10": "1", "3": "1", [LARGE]: "18446744073709551614" });
  expect(groups.map(({ name, members }) => [name, members])).toEqual([
    ["1", ["1", "2", "3", "10"]],
    ["18446744073709551614", ["18446744073709551614", LARGE]],
  ]);
});

test("a name that is listed itself is no member twice", () => {
  expect(groupsOf({ "1": "1", "2": "1" })[0].members).toEqual(["1", "2"]);
});

test("each group has a colour, and begins anew when there are no more", () => {
  const many = Object.fromEntries(COLOURS.concat(COLOURS[0]).map((_, i) => [String(100 + i), String(i + 1)]));
  const groups = groupsOf(many);
  expect(groups[7].colour).toBe(COLOURS[0]);
  expect(coloursOf(groups.slice(0, 2))).toEqual({ "1": COLOURS[0], "100": COLOURS[0], "2": COLOURS[1], "101": COLOURS[1] });
});

test("nothing merged is no group", () => expect(groupsOf({})).toEqual([]));
