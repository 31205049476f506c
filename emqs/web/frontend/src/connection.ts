// Finds out when a server that did not answer is there again.
import { effect } from "@preact/signals";
import { reached, ROOT } from "./api/client";

const WAIT_MS = 3000;

export async function knock(): Promise<void> {
  try {
    const answer = await fetch(`${ROOT}/health`, { cache: "no-store" });
    if (answer.ok) reached.value = true;
  } catch {
    reached.value = false;
  }
}

let timer: ReturnType<typeof setInterval> | undefined;
effect(() => {
  clearInterval(timer);
  timer = reached.value ? undefined : setInterval(() => void knock(), WAIT_MS);
});
window.addEventListener("offline", () => {
  reached.value = false;
});
window.addEventListener("online", () => void knock());
