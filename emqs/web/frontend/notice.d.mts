import type { Plugin } from "vite";

export function notice(): { seen: () => Plugin; written: () => Plugin };
