// Light, dark, or as the system says; remembered in this browser and with the account.
import { signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "emqs.theme";

function checked(name: string | null): Theme {
  return THEMES.find((theme) => theme === name) ?? "system";
}

export const theme = signal<Theme>(checked(localStorage.getItem(KEPT)));

export function dress(name: string): void {
  theme.value = checked(name);
  localStorage.setItem(KEPT, theme.value);
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}
