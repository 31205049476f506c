// Data of a page: loaded when the page is shown, and again when somebody has signed in anew.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, expired } from "../api/client";

export interface Loaded<T> {
  value: T | undefined; // undefined: not loaded yet, or it failed
  error: string | null;
  status: number; // of the answer that was an error
  reload: () => Promise<void>;
  set: (value: T) => void;
}

export function useLoaded<T>(get: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error: string | null; status: number }>({ error: null, status: 0 });
  const running = useRef<AbortController | null>(null);
  const latest = useRef(get);
  latest.current = get;
  const reload = useCallback(async () => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    try {
      const value = await latest.current(mine.signal);
      if (!mine.signal.aborted) setState({ value, error: null, status: 200 });
    } catch (error) {
      if (mine.signal.aborted) return;
      const status = error instanceof ApiError ? error.status : 0;
      setState({ error: error instanceof Error ? error.message : String(error), status });
    }
  }, []);
  useEffect(() => {
    setState({ error: null, status: 0 });
    void reload();
    return () => running.current?.abort();
  }, keys);
  const again = state.status === 401 && !expired.value;
  useEffect(() => {
    if (again) void reload();
  }, [again]);
  return { ...state, value: state.value, reload, set: (value) => setState({ value, error: null, status: 200 }) };
}

export interface Paged<T> {
  rows: readonly T[] | undefined;
  error: string | null;
  hasMore: boolean;
  busy: boolean;
  more: () => Promise<void>;
  reload: () => Promise<void>;
  replace: (row: T) => void; // by id
}

// Rows that come page by page; get is given what the page before said of the next one.
export function usePaged<T extends { id: string | number }>(
  get: (after: string | null, signal: AbortSignal) => Promise<{ rows: T[]; after: string | null }>,
  keys: readonly unknown[],
): Paged<T> {
  const first = useLoaded((signal) => get(null, signal), keys);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(first);
  latest.current = first;
  async function more(): Promise<void> {
    const before = first.value;
    if (before === undefined || before.after === null || busy) return;
    setBusy(true);
    setError(null);
    try {
      const page = await get(before.after, new AbortController().signal);
      if (latest.current.value !== before) return; // the filter has changed meanwhile
      first.set({ rows: [...before.rows, ...page.rows], after: page.after });
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setBusy(false);
    }
  }
  return {
    rows: first.value?.rows,
    error: first.error ?? error,
    hasMore: (first.value?.after ?? null) !== null,
    busy,
    more,
    reload: first.reload,
    replace(row) {
      const there = latest.current.value;
      if (there === undefined) return;
      first.set({ ...there, rows: there.rows.map((one) => (one.id === row.id ? row : one)) });
    },
  };
}
