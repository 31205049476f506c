// Where one is: the path says which page, the hash holds the state of the page and of the viewer.
import { batch, signal } from "@preact/signals";

export interface Route {
  readonly path: readonly string[]; // of the address, split at slashes and decoded
  readonly query: URLSearchParams;
}

function current(): Route {
  const parts = location.pathname.split("/").filter((part) => part !== "");
  return { path: parts.map(decodeURIComponent), query: new URLSearchParams(location.search) };
}

export const route = signal<Route>(current());

export function address(...path: readonly string[]): string {
  return "/" + path.map(encodeURIComponent).join("/");
}

// Go to another page; the state of this one stays in the history, so that "back" returns to it.
export function go(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  arrive();
}

export type HashState = Record<string, unknown>;

function readHash(): HashState {
  const text = location.hash.slice(1);
  if (!text.startsWith("%7B") && !text.startsWith("{")) return {};
  try {
    const value: unknown = JSON.parse(decodeURIComponent(text));
    return typeof value === "object" && value !== null ? (value as HashState) : {};
  } catch {
    return {};
  }
}

export const hash = signal<HashState>(readHash());

// The token of a link that works once, if the address has one: /#one-time=TOKEN
const ONE_TIME = "#one-time=";
const readToken = () => (location.hash.startsWith(ONE_TIME) ? location.hash.slice(ONE_TIME.length) : null);
export const oneTime = signal<string | null>(readToken());

// Whether one came to this page with a view in the address, which then is what the viewer shows.
export let cameWithView = hash.value.view !== undefined;

function arrive(): void {
  const state = readHash();
  cameWithView = state.view !== undefined;
  batch(() => {
    route.value = current();
    hash.value = state;
    oneTime.value = readToken();
  });
}

// Keep a part of the state in the address; the history gets no entry, so "back" leaves the page.
export function keep(part: string, value: unknown): void {
  const state = { ...readHash(), [part]: value };
  if (value === undefined || value === null) delete state[part];
  const text = Object.keys(state).length === 0 ? "" : "#" + encodeURIComponent(JSON.stringify(state));
  if (text === location.hash) return;
  history.replaceState(history.state, "", location.pathname + location.search + text);
  hash.value = state;
}

window.addEventListener("popstate", arrive);
window.addEventListener("hashchange", arrive);

// Links within the application do not load the page anew.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
});
