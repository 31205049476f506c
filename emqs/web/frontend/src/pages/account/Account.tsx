// One's own account: name, looks, password, tokens, sign-ins, groups.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { LANGUAGES, language, speak, t, type Language } from "../../i18n";
import { changeMe, keepSettings, me } from "../../session";
import { dress, THEMES, theme, type Theme } from "../../theme";
import { Check, Choice, Field, Form, Text, tell, tellError, useLoaded } from "../../ui";
import { Groups } from "./Groups";
import { LEAST_PASSWORD } from "./OneTime";
import { SignIns, Tokens, type Token } from "./Tokens";
import "../../styles/account.css";

export function Account() {
  const user = me.value;
  const tokens = useLoaded(async () => (await request<{ tokens: Token[] }>("/auth/tokens")).tokens, [user?.id]);
  if (!user) return null;
  return (
    <div class="page account">
      <h1>{t("nav.account")}</h1>
      <div class="sections">
        <Profile />
        <Looks />
        {user.accounts && <Password onChange={() => void tokens.reload()} />}
        {user.accounts && <Tokens tokens={tokens} />}
        {user.accounts && <SignIns tokens={tokens} />}
        <section>
          <h2>{t("account.groups")}</h2>
          <Groups />
        </section>
      </div>
      <p class="hint">
        <a href="/NOTICE.txt" target="_blank" rel="noreferrer">{t("account.licenses")}</a>
      </p>
    </div>
  );
}

function Profile() {
  const user = me.value;
  const [name, setName] = useState(user?.display_name ?? "");
  async function send(): Promise<void> {
    await changeMe({ display_name: name.trim() });
    tell(t("account.saved"));
  }
  return (
    <section>
      <h2>{t("account.profile")}</h2>
      <dl class="fact-list">
        <dt>{t("sign_in.name")}</dt>
        <dd>{user?.name}</dd>
        {user?.email && (
          <>
            <dt>{t("account.email")}</dt>
            <dd>{user.email}</dd>
          </>
        )}
        <dt>{t("account.rights")}</dt>
        <dd>{user?.is_admin ? t("account.admin") : t("account.user")}</dd>
      </dl>
      <Form action={t("common.save")} send={send} disabled={name.trim() === "" || name === user?.display_name}>
        <Field label={t("account.display_name")} hint={t("account.display_name_hint")}>
          {(id) => <Text id={id} value={name} set={setName} maxLength={200} autocomplete="name" />}
        </Field>
      </Form>
    </section>
  );
}

function Looks() {
  function talk(chosen: Language): void {
    speak(chosen);
    keepSettings({ language: chosen }).catch(tellError);
  }
  function wear(chosen: Theme): void {
    dress(chosen);
    keepSettings({ theme: chosen }).catch(tellError);
  }
  return (
    <section>
      <h2>{t("account.looks")}</h2>
      <Field label={t("nav.language")}>
        {(id) => (
          <Choice id={id} value={language.value} set={talk} options={Object.entries(LANGUAGES) as [Language, string][]} />
        )}
      </Field>
      <Field label={t("account.theme")}>
        {(id) => (
          <Choice id={id} value={theme.value} set={wear}
            options={THEMES.map((name) => [name, t(`account.theme_${name}`)] as const)} />
        )}
      </Field>
    </section>
  );
}

function Password({ onChange }: { onChange: () => void }) {
  const had = me.value?.has_password ?? false;
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  async function send(): Promise<void> {
    await request("/auth/password", { body: { old: had ? old : null, new: password } });
    setOld("");
    setPassword("");
    if (me.value) me.value = { ...me.value, has_password: true };
    onChange();
    tell(t("account.password_changed"));
  }
  const type = shown ? "text" : "password";
  return (
    <section>
      <h2>{t("sign_in.password")}</h2>
      <Form action={had ? t("account.change_password") : t("account.set_password")} send={send}
        disabled={password.length < LEAST_PASSWORD || (had && old === "")}>
        {had && (
          <Field label={t("account.old_password")}>
            {(id) => <Text id={id} type={type} value={old} set={setOld} autocomplete="current-password" />}
          </Field>
        )}
        <Field label={t("account.new_password")} hint={t("account.password_hint", { least: LEAST_PASSWORD })}>
          {(id) => <Text id={id} type={type} value={password} set={setPassword} autocomplete="new-password" />}
        </Field>
        <Check label={t("sign_in.show")} value={shown} set={setShown} />
        <p class="hint">{t("account.password_effect")}</p>
      </Form>
    </section>
  );
}
