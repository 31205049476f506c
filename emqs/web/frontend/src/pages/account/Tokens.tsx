// Tokens of programs, and where one is signed in.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t } from "../../i18n";
import { datasets, isAdmin } from "../../session";
import { Button, Check, Choice, Confirm, Copy, Empty, Field, Form, Heads, Message, Text, Time, Waiting } from "../../ui";
import type { Loaded } from "../../ui/load";

export interface Token {
  id: string;
  kind: "cookie" | "api";
  name: string;
  scopes: string[];
  created: number;
  expires: number | null;
  last_used: number | null;
  current: boolean;
}

interface Props {
  tokens: Loaded<Token[]>;
}

const DAYS = ["1", "7", "30", "90", "365", "never"] as const;
const SCOPES = ["read", "write", "admin"] as const;
type Scope = (typeof SCOPES)[number];

export function Tokens({ tokens }: Props) {
  const [made, setMade] = useState<string | null>(null);
  const [asked, setAsked] = useState<Token | null>(null);
  const rows = tokens.value?.filter((one) => one.kind === "api");
  return (
    <section class="across">
      <h2>{t("token.title")}</h2>
      <p class="hint">
        {t("token.about")} <a href="/api/docs" target="_blank" rel="noreferrer">{t("token.docs")}</a>
      </p>
      {made !== null && (
        <Message kind="info">
          <Copy label={t("token.made")} text={made} hint={t("token.once")} />
        </Message>
      )}
      {rows === undefined && <Waiting error={tokens.error} retry={tokens.reload} />}
      {rows?.length === 0 && <Empty>{t("token.none")}</Empty>}
      {rows !== undefined && rows.length > 0 && <TokenTable rows={rows} onWithdraw={setAsked} />}
      <NewToken
        onMade={(token) => {
          setMade(token);
          void tokens.reload();
        }}
      />
      {asked && (
        <Confirm title={t("token.withdraw_title", { name: asked.name })} action={t("token.withdraw")}
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await request(`/auth/tokens/${asked.id}`, { method: "DELETE" });
            await tokens.reload();
          }}>
          <p>{t("token.withdraw_about")}</p>
        </Confirm>
      )}
    </section>
  );
}

function scopesOf(token: Token): string {
  return token.scopes
    .map((scope) => (SCOPES.includes(scope as Scope) ? t(`token.${scope as Scope}`) : scope.replace("dataset:", "")))
    .join(", ");
}

function TokenTable({ rows, onWithdraw }: { rows: readonly Token[]; onWithdraw: (token: Token) => void }) {
  return (
    <div class="scroll-x">
      <table aria-label={t("token.title")}>
        <Heads words={["token.name", "token.scopes", "token.created", "token.expires", "token.used"]} actions />
        <tbody>
          {rows.map((token) => (
            <tr key={token.id}>
              <td>{token.name}</td>
              <td>{scopesOf(token)}</td>
              <td><Time time={token.created} /></td>
              <td>{token.expires === null ? t("token.no_end") : <Time time={token.expires} />}</td>
              <td><Time time={token.last_used} /></td>
              <td>
                <Button kind="danger" aria-label={t("token.withdraw_one", { name: token.name })}
                  onClick={() => onWithdraw(token)}>
                  {t("token.withdraw")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NewToken({ onMade }: { onMade: (token: string) => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(["read", "write"]));
  const [dataset, setDataset] = useState("");
  const [days, setDays] = useState<(typeof DAYS)[number]>("30");
  async function send(): Promise<void> {
    const body = {
      name: name.trim(),
      scopes: [...scopes, ...(dataset === "" ? [] : [`dataset:${dataset}`])],
      days: days === "never" ? null : Number(days),
    };
    const { token } = await request<{ token: string }>("/auth/tokens", { body });
    setName("");
    onMade(token);
  }
  function choose(scope: Scope, chosen: boolean): void {
    const next = new Set(scopes);
    if (chosen) next.add(scope);
    else next.delete(scope);
    setScopes(next);
  }
  return (
    <details>
      <summary>{t("token.new")}</summary>
      <Form action={t("token.make")} send={send} disabled={name.trim() === "" || scopes.size === 0}>
        <div class="field-columns">
          <Field label={t("token.name")} hint={t("token.name_hint")}>
            {(id) => <Text id={id} value={name} set={setName} maxLength={200} />}
          </Field>
          <Field label={t("token.days")}>
            {(id) => (
              <Choice id={id} value={days} set={setDays}
                options={DAYS.map((n) => [n, n === "never" ? t("token.no_end") : t("token.n_days", { n })] as const)} />
            )}
          </Field>
          <Field label={t("nav.dataset")}>
            {(id) => (
              <Choice id={id} value={dataset} set={setDataset}
                options={[["", t("token.all_datasets")], ...datasets.value.map((d) => [d.name, d.title] as const)]} />
            )}
          </Field>
        </div>
        <fieldset>
          <legend>{t("token.scopes")}</legend>
          {SCOPES.filter((scope) => scope !== "admin" || isAdmin.value).map((scope) => (
            <Check key={scope} label={t(`token.${scope}`)} value={scopes.has(scope)}
              set={(chosen) => choose(scope, chosen)} />
          ))}
        </fieldset>
      </Form>
    </details>
  );
}

export function SignIns({ tokens }: Props) {
  const [asked, setAsked] = useState<Token | null>(null);
  const rows = tokens.value?.filter((one) => one.kind === "cookie");
  if (rows === undefined || rows.length === 0) return null;
  return (
    <section class="across">
      <h2>{t("session.title")}</h2>
      <p class="hint">{t("session.about")}</p>
      <ul class="line-list">
        {rows.map((one) => (
          <li key={one.id} class="row">
            <span class="grow">
              {program(one.name)}{" "}
              <span class="hint">
                {t("session.since")} <Time time={one.created} />
              </span>
            </span>
            {one.current ? (
              <b>{t("session.this")}</b>
            ) : (
              <Button kind="danger" onClick={() => setAsked(one)}>{t("session.end")}</Button>
            )}
          </li>
        ))}
      </ul>
      {asked && (
        <Confirm title={t("session.end_title")} action={t("session.end")} onClose={() => setAsked(null)}
          onConfirm={async () => {
            await request(`/auth/tokens/${asked.id}`, { method: "DELETE" });
            await tokens.reload();
          }}>
          <p>{program(asked.name)}</p>
        </Confirm>
      )}
    </section>
  );
}

// Which browser a sign-in is of, from what it calls itself.
export function program(agent: string): string {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux"].find((name) => agent.includes(name));
  if (browser === undefined) return agent.slice(0, 60) || t("session.unknown");
  const named = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return system === undefined ? named : `${named}, ${system}`;
}
