// Which entries of the atlas are shown; kept in the address, and while one looks at one of them.
import { signal } from "@preact/signals";
import type { AtlasEntry } from "../../api/types";
import { hash } from "../../router";

export const STATES = ["submitted", "changes_requested", "accepted", "rejected", "withdrawn"] as const;

export interface Filters {
  dataset: string; // "": all
  state: AtlasEntry["state"] | "";
  text: string;
  tag: string;
  own: boolean;
}

export const NONE: Filters = { dataset: "", state: "", text: "", tag: "", own: false };

export const filters = signal<Filters>(NONE);

// Take what the address says, if it says something.
export function fromAddress(): void {
  const given = hash.value.atlas;
  if (typeof given === "object" && given !== null) filters.value = { ...NONE, ...(given as Partial<Filters>) };
}

// What is kept in the address: only what differs.
export function kept(now: Filters): Partial<Filters> | null {
  const set = Object.entries(now).filter(([name, value]) => value !== NONE[name as keyof Filters]);
  return set.length === 0 ? null : (Object.fromEntries(set) as Partial<Filters>);
}
