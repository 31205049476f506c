// What the page remembers from visit to visit in this browser, and classes of one's own on the server.
import { signal } from "@preact/signals";
import { request } from "../../api/client";
import type { Me } from "../../api/types";
import { me } from "../../session";
import type { Fields } from "./model";

function kept<T>(name: string, normal: T): T {
  try {
    const text = localStorage.getItem(`emqs.annotate.${name}`);
    return text === null ? normal : (JSON.parse(text) as T);
  } catch {
    return normal;
  }
}

function keepIt(name: string, value: unknown): void {
  localStorage.setItem(`emqs.annotate.${name}`, JSON.stringify(value));
}

export const COLUMNS = [
  "kind", "size", "place", "tags", "colour_class", "owner", "atlas_state", "description", "created",
  "changed", "place_nm", "revision",
] as const;
export type Column = (typeof COLUMNS)[number];

export const columns = signal<readonly Column[]>(kept<Column[]>("columns", ["kind", "size", "tags"]));

export function setColumns(chosen: readonly Column[]): void {
  columns.value = COLUMNS.filter((name) => chosen.includes(name));
  keepIt("columns", columns.value);
}

export type Defaults = Pick<Fields, "title" | "tags" | "colour_class">;

export const defaults = signal<Defaults>(kept("defaults", { title: "", tags: [], colour_class: "" }));

export function setDefaults(given: Partial<Defaults>): void {
  defaults.value = { ...defaults.value, ...given };
  keepIt("defaults", defaults.value);
}

export async function addClass(name: string): Promise<void> {
  const now = await request<Me>("/auth/me");
  const known = (now.settings.classes as string[] | undefined) ?? [];
  if (known.includes(name)) return;
  const settings = { ...now.settings, classes: [...known, name] };
  me.value = await request<Me>("/auth/me", { method: "PATCH", body: { settings } });
}
