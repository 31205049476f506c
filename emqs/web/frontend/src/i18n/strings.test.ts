import { afterEach, expect, test } from "vitest";
import { LANGUAGES, count, speak, t, type Word } from ".";
import { strings } from "./strings";

const words = Object.entries(strings) as [Word, Record<string, string>][];

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
}

afterEach(() => speak("en"));

test.each(words)("%s is there in every language, with the same values in it", (_, texts) => {
  expect(Object.keys(texts).sort()).toEqual(Object.keys(LANGUAGES).sort());
  for (const text of Object.values(texts)) {
    expect(text.trim()).toBe(text);
    expect(text).not.toBe("");
    expect(placeholders(text)).toEqual(placeholders(texts.en));
  }
});

test("values are put in, and what is not given stays visible", () => {
  expect(t("dataset.settings_of", { name: "toy" })).toBe("Settings of toy");
  expect(t("dataset.settings_of")).toBe("Settings of {name}");
  speak("de");
  expect(t("dataset.settings_of", { name: "toy" })).toBe("Einstellungen von toy");
  expect(document.documentElement.lang).toBe("de");
});

test("numbers are written as the language does", () => {
  expect(count(12345)).toBe("12,345");
  speak("de");
  expect(count(12345)).toBe("12.345");
});
