// Who is signed in, and which datasets there are.
import { computed, signal } from "@preact/signals";
import { ApiError, expired, request } from "./api/client";
import type { Dataset, Me } from "./api/types";

export const me = signal<Me | null | undefined>(undefined); // undefined: not known yet
export const datasets = signal<readonly Dataset[]>([]);
export const isAdmin = computed(() => me.value?.is_admin ?? false);

export async function load(): Promise<void> {
  try {
    const user = await request<Me>("/auth/me", { quiet: true });
    await loadDatasets();
    me.value = user; // after the datasets, which the pages count on
    expired.value = false;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    me.value = null;
  }
}

export async function loadDatasets(): Promise<void> {
  datasets.value = (await request<{ datasets: Dataset[] }>("/datasets")).datasets;
}

export async function signOut(): Promise<void> {
  await request("/auth/logout", { method: "POST" });
  me.value = null;
  datasets.value = [];
}
