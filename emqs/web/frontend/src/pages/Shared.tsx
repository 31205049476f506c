// A short link: the page and the state that somebody kept under it.
import { useEffect, useState } from "preact/hooks";
import { request } from "../api/client";
import { go } from "../router";
import { Message, Spinner } from "../ui";

interface Kept {
  dataset: string | null;
  state: { path?: string; hash?: unknown };
}

// Keep what one sees; returns the address that shows it to others who may see the dataset.
export async function share(dataset: string): Promise<string> {
  const text = decodeURIComponent(location.hash.slice(1));
  const state = { path: location.pathname + location.search, hash: text === "" ? {} : JSON.parse(text) };
  const { link } = await request<{ link: string }>("/states", { body: { state, dataset } });
  return location.origin + link;
}

export function Shared({ name }: { name: string }) {
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    request<Kept>(`/states/${encodeURIComponent(name)}`)
      .then(({ state }) => {
        // only a path of this application
        const path = /^\/(?![/\\])/.test(state.path ?? "") ? (state.path as string) : "/";
        go(path + "#" + encodeURIComponent(JSON.stringify(state.hash ?? {})), { replace: true });
      })
      .catch((reason: Error) => setError(reason.message));
  }, [name]);
  return error ? <Message kind="error">{error}</Message> : <Spinner />;
}
