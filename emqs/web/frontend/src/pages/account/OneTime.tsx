// A link that works once: set a password with it, or go on without.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t } from "../../i18n";
import { go } from "../../router";
import { load } from "../../session";
import { Button, Check, Field, Form, Text, tellError } from "../../ui";

export const LEAST_PASSWORD = 10; // characters; the server says the same

export function OneTime({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  async function use(chosen: string | null): Promise<void> {
    await request("/auth/one-time", { body: { token, password: chosen }, quiet: true });
    await load();
    go(location.pathname + location.search, { replace: true }); // without the token
  }
  return (
    <>
      <Form action={t("one_time.set")} send={() => use(password)} disabled={password.length < LEAST_PASSWORD}>
        <p>{t("one_time.about")}</p>
        <Field label={t("account.new_password")} hint={t("account.password_hint", { least: LEAST_PASSWORD })}>
          {(id) => (
            <Text id={id} value={password} set={setPassword} type={shown ? "text" : "password"}
              autocomplete="new-password" />
          )}
        </Field>
        <Check label={t("sign_in.show")} value={shown} set={setShown} />
      </Form>
      <div class="row instead">
        <Button onClick={() => use(null).catch(tellError)}>{t("one_time.without")}</Button>
        <Button kind="quiet" onClick={() => go("/", { replace: true })}>
          {t("one_time.other")}
        </Button>
      </div>
    </>
  );
}
