// Who is signed in, and which datasets there are.
import { computed, signal } from "@preact/signals";
import { ApiError, expired, request } from "./api/client";
import type { Dataset, Me } from "./api/types";
import { LANGUAGES, speak, type Language } from "./i18n";
import { dress } from "./theme";

export const me = signal<Me | null | undefined>(undefined); // undefined: not known yet
export const datasets = signal<readonly Dataset[]>([]);
export const isAdmin = computed(() => me.value?.is_admin ?? false);

export async function load(): Promise<void> {
  try {
    const user = await request<Me>("/auth/me", { quiet: true });
    await loadDatasets();
    me.value = user; // after the datasets, which the pages count on
    const { language: spoken, theme: look } = user.settings;
    if (typeof spoken === "string" && spoken in LANGUAGES) speak(spoken as Language);
    if (typeof look === "string") dress(look);
    expired.value = false;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    me.value = null;
  }
}

export async function loadDatasets(): Promise<void> {
  datasets.value = (await request<{ datasets: Dataset[] }>("/datasets")).datasets;
}

// Change oneself; what is left out stays.
export async function changeMe(values: { display_name?: string; settings?: Me["settings"] }): Promise<void> {
  me.value = await request<Me>("/auth/me", { method: "PATCH", body: values });
}

// Keep settings of pages with the account, beside those that are kept there already.
export async function keepSettings(part: Me["settings"]): Promise<void> {
  await changeMe({ settings: { ...me.value?.settings, ...part } });
}

export async function signOut(): Promise<void> {
  await request("/auth/logout", { method: "POST" });
  me.value = null;
  datasets.value = [];
}
