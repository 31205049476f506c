// Signing in: with a name and a password, at a provider, or with a link that works once.
import { useState } from "preact/hooks";
import { expired, request, url } from "../../api/client";
import type { Me } from "../../api/types";
import { t } from "../../i18n";
import { oneTime, route } from "../../router";
import { load, me } from "../../session";
import { Check, Dialog, Field, Form, Message, Text, useLoaded } from "../../ui";
import { OneTime } from "./OneTime";
import "../../styles/account.css";

const LONGEST = 1500; // of an address that is sent to a provider and back

// Why a provider's answer let nobody in: /?refused=WHY
const REFUSALS = {
  browser: "sign_in.refused_browser",
  late: "sign_in.refused_late",
  unconfirmed: "sign_in.refused_unconfirmed",
  invalid: "sign_in.refused_invalid",
  email: "sign_in.refused_email",
  account: "sign_in.refused_account",
  provider: "sign_in.refused_provider",
  often: "sign_in.refused_often",
} as const;

// The page for somebody who is not signed in.
export function SignIn() {
  const token = oneTime.value;
  return (
    <main class="sign-in" id="content">
      <h1>{token === null ? t("sign_in.title") : t("one_time.title")}</h1>
      {token === null && <Why />}
      {token === null ? <WithPassword /> : <OneTime token={token} />}
    </main>
  );
}

function Why() {
  const why = route.value.query.get("refused");
  if (why === null) return null;
  const word = Object.hasOwn(REFUSALS, why) ? REFUSALS[why as keyof typeof REFUSALS] : "sign_in.refused";
  return <Message kind="error">{t(word)}</Message>;
}

// The dialog over a page whose session has ended; what is on the page stays.
export function SignInAgain() {
  return (
    <Dialog title={t("sign_in.again")} onClose={() => (expired.value = false)}>
      <p>{t("error.expired")}</p>
      <WithPassword known={me.value?.name} />
    </Dialog>
  );
}

function WithPassword({ known = "" }: { known?: string }) {
  const [name, setName] = useState(known);
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  async function send(): Promise<void> {
    const user = await request<Me>("/auth/login", { body: { name, password }, quiet: true });
    if (known !== "" && user.name !== known) location.reload(); // the page was another's
    else await load();
  }
  return (
    <>
      <Form action={t("sign_in.do")} send={send} disabled={name.trim() === "" || password === ""}>
        <Field label={t("sign_in.name")}>
          {(id) => <Text id={id} value={name} set={setName} autocomplete="username" required />}
        </Field>
        <Field label={t("sign_in.password")}>
          {(id) => (
            <Text id={id} value={password} set={setPassword} type={shown ? "text" : "password"}
              autocomplete="current-password" required />
          )}
        </Field>
        <Check label={t("sign_in.show")} value={shown} set={setShown} />
      </Form>
      <Providers />
      {known === "" && <p class="hint">{t("sign_in.no_account")}</p>}
    </>
  );
}

interface Provider {
  name: string;
  label: string;
}

function Providers() {
  const { value } = useLoaded(() => request<{ providers: Provider[] }>("/auth/providers", { quiet: true }), []);
  if (!value?.providers.length) return null;
  const whole = location.pathname + location.search + location.hash;
  const next = whole.length > LONGEST ? location.pathname : whole;
  return (
    <div class="providers">
      <p class="hint">{t("sign_in.or")}</p>
      {value.providers.map(({ name, label }) => (
        <a key={name} class="button" href={url(`/auth/oidc/${encodeURIComponent(name)}/start`, { next })}>
          {t("sign_in.with", { provider: label })}
        </a>
      ))}
    </div>
  );
}
