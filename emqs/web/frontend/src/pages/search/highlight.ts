import { signal } from "@preact/signals";
import type { Match } from "./types";

// The match whose card is under the mouse or has the focus.
export const highlighted = signal<Match | null>(null);
