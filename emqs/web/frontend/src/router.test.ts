import { beforeEach, expect, test } from "vitest";
import { address, go, hash, keep, oneTime, route } from "./router";

beforeEach(() => go("/", { replace: true }));

test("an address is split and decoded, and made of parts that are encoded", () => {
  go(address("d", "a b/c", "search") + "?x=1");
  expect(location.pathname).toBe("/d/a%20b%2Fc/search");
  expect(route.value.path).toEqual(["d", "a b/c", "search"]);
  expect(route.value.query.get("x")).toBe("1");
});

test("parts of the state are kept beside each other, without an entry in the history", () => {
  const before = history.length;
  keep("view", { x: 1 });
  keep("search", ["ä", null]);
  expect(hash.value).toEqual({ view: { x: 1 }, search: ["ä", null] });
  expect(JSON.parse(decodeURIComponent(location.hash.slice(1)))).toEqual(hash.value);
  keep("view", null);
  expect(hash.value).toEqual({ search: ["ä", null] });
  keep("search", undefined);
  expect(location.hash).toBe("");
  expect(history.length).toBe(before);
});

test("another page begins without the state of this one", () => {
  keep("view", 1);
  go("/datasets");
  expect(hash.value).toEqual({});
});

test("what is no state in the hash is none", () => {
  for (const text of ["#content", "#%7Bbroken", "#{\"a\":", "#null", "#[1]"]) {
    go("/" + text);
    expect(hash.value).toEqual({});
  }
});

test("a link that works once is known by its token", () => {
  go("/#one-time=abc-_1");
  expect(oneTime.value).toBe("abc-_1");
  go("/");
  expect(oneTime.value).toBeNull();
});

function click(html: string, init: MouseEventInit = {}): boolean {
  document.body.innerHTML = html;
  const event = new MouseEvent("click", { bubbles: true, cancelable: true, ...init });
  document.body.querySelector("a")?.firstElementChild?.dispatchEvent(event);
  return event.defaultPrevented;
}

test("links within the application do not load the page", () => {
  expect(click('<a href="/datasets?a=1"><b>x</b></a>')).toBe(true);
  expect(route.value.path).toEqual(["datasets"]);
});

test.each([
  ["another window", '<a href="/datasets" target="_blank"><b>x</b></a>', {}],
  ["a file", '<a href="/datasets" download><b>x</b></a>', {}],
  ["the interface", '<a href="/api/docs"><b>x</b></a>', {}],
  ["another server", '<a href="https://example.org/"><b>x</b></a>', {}],
  ["a new tab", '<a href="/datasets"><b>x</b></a>', { ctrlKey: true }],
])("links to %s are left to the browser", (_, html, init) => {
  expect(click(html, init)).toBe(false);
  expect(route.value.path).toEqual([]);
});
