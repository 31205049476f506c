import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, expired, reached, request, url } from "./client";

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  fetched.mockReset();
  reached.value = true;
  expired.value = false;
});
afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  fetched.mockResolvedValueOnce(new Response(status === 204 ? null : text, { status }));
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

test("addresses: lists are repeated, what is not set is left out", () => {
  const query = { text: "a&b", state: ["x", "y"], none: null, empty: "", zero: 0, no: false };
  expect(url("/atlas", query)).toBe("/api/v1/atlas?text=a%26b&state=x&state=y&zero=0&no=false");
  expect(url("/atlas")).toBe("/api/v1/atlas");
});

test("a body is sent as JSON and the answer read as JSON", async () => {
  answers(200, { name: "ann" });
  expect(await request("/auth/login", { body: { name: "ann" } })).toEqual({ name: "ann" });
  const [address, init] = fetched.mock.calls[0];
  expect(address).toBe("/api/v1/auth/login");
  expect(init).toMatchObject({ method: "POST", body: '{"name":"ann"}', credentials: "same-origin" });
});

test("no content is undefined, and files are sent as they are", async () => {
  answers(204, "");
  const form = new FormData();
  expect(await request("/x", { body: form })).toBeUndefined();
  expect(fetched.mock.calls[0][1]?.body).toBe(form);
  expect(fetched.mock.calls[0][1]?.headers).not.toHaveProperty("Content-Type");
});

test("the server's sentence is the message", async () => {
  answers(409, { error: "Somebody was faster." });
  const error = await failure(request("/x"));
  expect([error.message, error.status, error.body]).toEqual([
    "Somebody was faster.", 409, { error: "Somebody was faster." },
  ]);
  expect(expired.value).toBe(false);
});

test("a proxy's page is told by its number alone", async () => {
  answers(502, "<html>Bad gateway</html>");
  expect((await failure(request("/x"))).message).toBe("The server answered 502.");
});

test("401 is a session that has ended, unless it is expected", async () => {
  answers(401, { error: "Sign in first." });
  await failure(request("/x", { quiet: true }));
  expect(expired.value).toBe(false);
  answers(401, { error: "Sign in first." });
  await failure(request("/x"));
  expect(expired.value).toBe(true);
});

test("a server that is not reached is told, until it is", async () => {
  fetched.mockRejectedValueOnce(new TypeError("failed"));
  const error = await failure(request("/x"));
  expect(error.status).toBe(0);
  expect(error.message).toContain("does not answer");
  expect(reached.value).toBe(false);
  answers(404, { error: "No." });
  await failure(request("/x"));
  expect(reached.value).toBe(true);
});

test("what was called off is no lost connection", async () => {
  fetched.mockRejectedValueOnce(new DOMException("off", "AbortError"));
  await expect(request("/x")).rejects.toBeInstanceOf(DOMException);
  expect(reached.value).toBe(true);
});
