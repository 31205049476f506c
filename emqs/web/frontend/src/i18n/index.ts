// Words of the pages. One file holds every language; another language is one more key in each entry.
import { signal } from "@preact/signals";
import { strings } from "./strings";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
export type Word = keyof typeof strings;

const KEPT = "emqs.language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept !== null && kept in LANGUAGES) return kept as Language;
  return navigator.language.startsWith("de") ? "de" : "en";
}

export const language = signal<Language>(first());

export function speak(chosen: Language): void {
  language.value = chosen;
  localStorage.setItem(KEPT, chosen);
  document.documentElement.lang = chosen;
}

// {name} in a text is replaced by values.name.
export function t(word: Word, values: Record<string, string | number> = {}): string {
  const text: string = strings[word][language.value];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function count(n: number): string {
  return n.toLocaleString(language.value);
}
