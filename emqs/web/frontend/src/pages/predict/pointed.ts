import { signal } from "@preact/signals";
import type { Thing } from "./model";

// The object whose row is under the mouse or has the focus.
export const pointed = signal<Thing | null>(null);
