// Requests to the server. An error is one sentence that can be shown as it is.
import { signal } from "@preact/signals";

export const ROOT = "/api/v1";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: the server was not reached
    readonly body: unknown = null,
  ) {
    super(message);
  }
}

// Whether the last request reached the server, and whether it said that nobody is signed in.
export const reached = signal(true);
export const expired = signal(false);

export interface Options {
  method?: string;
  body?: unknown; // sent as JSON; FormData and Blob as they are
  query?: Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  quiet?: boolean; // a 401 is expected, and no sign of a session that ended
}

export function url(path: string, query: Options["query"] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return ROOT + path + (text === "" ? "" : `?${text}`);
}

export async function send(path: string, options: Options = {}): Promise<Response> {
  const { body, headers = {} } = options;
  const raw = body instanceof FormData || body instanceof Blob || typeof body === "string";
  const init: RequestInit = {
    method: options.method ?? (body === undefined ? "GET" : "POST"),
    credentials: "same-origin",
    headers: { ...(body !== undefined && !raw ? { "Content-Type": "application/json" } : {}), ...headers },
    signal: options.signal,
    body: body === undefined ? undefined : raw ? (body as BodyInit) : JSON.stringify(body),
  };
  let answer: Response;
  try {
    answer = await fetch(url(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reached.value = false;
    throw new ApiError("The server does not answer. Check the connection, then try again.", 0);
  }
  reached.value = true;
  if (answer.ok) return answer;
  if (answer.status === 401 && !options.quiet) expired.value = true;
  const text = await answer.text();
  let told: unknown = null;
  try {
    told = JSON.parse(text);
  } catch {
    // a proxy's page
  }
  const sentence = (told as { error?: unknown } | null)?.error;
  const message = typeof sentence === "string" ? sentence : `The server answered ${answer.status}.`;
  throw new ApiError(message, answer.status, told);
}

export async function request<T>(path: string, options: Options = {}): Promise<T> {
  const answer = await send(path, options);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export function dataset(name: string): string {
  return `/datasets/${encodeURIComponent(name)}`;
}
