// Signing in: with a name and a password, or with a link that works once.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { go, route } from "../../router";
import { load } from "../../session";
import { Button, Field, Message } from "../../ui";

export function SignIn({ again = false }: { again?: boolean }) {
  const once = location.hash.startsWith("#one-time=") ? location.hash.slice("#one-time=".length) : null;
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    try {
      if (once) {
        await request("/auth/one-time", { body: { token: once, password: password || null }, quiet: true });
        go("/" + route.value.path.join("/"), { replace: true });
      } else {
        await request("/auth/login", { body: { name, password }, quiet: true });
      }
      await load();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <form class={again ? "sign-in again" : "sign-in"} onSubmit={submit}>
      <h1>emqs</h1>
      {!once && (
        <Field label="Name">
          {(id) => <input id={id} value={name} autocomplete="username" onInput={(e) => setName(e.currentTarget.value)} />}
        </Field>
      )}
      <Field label="Password">
        {(id) => (
          <input id={id} type="password" value={password} autocomplete={once ? "new-password" : "current-password"}
            onInput={(e) => setPassword(e.currentTarget.value)} />
        )}
      </Field>
      {error && <Message kind="error">{error}</Message>}
      <Button kind="primary" type="submit">Sign in</Button>
    </form>
  );
}
