// Accounts: made, changed, locked.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t } from "../../i18n";
import { load, me } from "../../session";
import { Button, Check, Confirm, Copy, Dialog, Empty, Field, Form, Heads, Message, tell, tellError, Text, Time, usePaged, Waiting } from "../../ui";

interface User {
  id: string;
  name: string;
  display_name: string;
  email: string | null;
  is_admin: boolean;
  is_active: boolean;
  created: number;
  last_login: number | null;
}

interface Link {
  name: string;
  address: string;
}

const PAGE = 50;

function addressOf(token: string): string {
  return `${location.origin}/#one-time=${encodeURIComponent(token)}`;
}

export function Users() {
  const [text, setText] = useState("");
  const [link, setLink] = useState<Link | null>(null);
  const users = usePaged<User>(
    async (after, signal) => {
      const page = await request<{ users: User[]; after: string | null }>("/users", {
        query: { text, after, limit: PAGE }, signal,
      });
      return { rows: page.users, after: page.after };
    },
    [text],
  );
  const accounts = me.value?.accounts ?? true;
  return (
    <>
      {!accounts && <Message kind="info">{t("user.no_accounts")}</Message>}
      {link && (
        <Message kind="info">
          <Copy label={t("user.link_for", { name: link.name })} text={link.address} hint={t("user.link_hint")} />
        </Message>
      )}
      <NewUser onMade={(made) => {
        setLink(made);
        void users.reload();
      }} />
      <p class="row filter-bar">
        <input type="search" aria-label={t("user.filter")} placeholder={t("user.filter")} value={text}
          onInput={(event) => setText(event.currentTarget.value)} />
      </p>
      {users.rows === undefined && <Waiting error={users.error} retry={users.reload} />}
      {users.rows?.length === 0 && <Empty>{t("user.none")}</Empty>}
      {users.rows !== undefined && users.rows.length > 0 && (
        <UserTable rows={users.rows} reload={users.reload} onLink={setLink} />
      )}
      {users.hasMore && <Button disabled={users.busy} onClick={() => void users.more()}>{t("common.more")}</Button>}
    </>
  );
}

interface TableProps {
  rows: readonly User[];
  reload: () => Promise<void>;
  onLink: (link: Link) => void;
}

function UserTable({ rows, reload, onLink }: TableProps) {
  const [edited, setEdited] = useState<User | null>(null);
  return (
    <div class="scroll-x">
      <table aria-label={t("admin.users")}>
        <Heads words={["sign_in.name", "account.display_name", "account.email", "account.rights", "user.last_login"]} actions />
        <tbody>
          {rows.map((user) => (
            <tr key={user.id} class={user.is_active ? "" : "locked"}>
              <td>{user.name}</td>
              <td>{user.display_name}</td>
              <td>{user.email}</td>
              <td>
                {user.is_admin ? t("account.admin") : t("account.user")}
                {!user.is_active && <span class="badge bad"> {t("user.locked")}</span>}
              </td>
              <td><Time time={user.last_login} /></td>
              <td>
                <Button aria-label={t("user.edit_one", { name: user.name })} onClick={() => setEdited(user)}>
                  {t("user.edit")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {edited && <EditUser user={edited} reload={reload} onLink={onLink} onClose={() => setEdited(null)} />}
    </div>
  );
}

interface EditProps {
  user: User;
  reload: () => Promise<void>;
  onLink: (link: Link) => void;
  onClose: () => void;
}

function EditUser({ user, reload, onLink, onClose }: EditProps) {
  const [name, setName] = useState(user.display_name);
  const [email, setEmail] = useState(user.email ?? "");
  const [admin, setAdmin] = useState(user.is_admin);
  const [active, setActive] = useState(user.is_active);
  const [signOut, setSignOut] = useState(false);
  const path = `/users/${encodeURIComponent(user.name)}`;
  async function send(): Promise<void> {
    const body = { display_name: name.trim(), email: email.trim() || null, is_admin: admin, is_active: active };
    await request(path, { method: "PATCH", body });
    if (user.name === me.value?.name) await load();
    await reload();
    tell(t("user.saved", { name: user.name }));
    onClose();
  }
  async function link(): Promise<void> {
    const { one_time } = await request<{ one_time: string }>(`${path}/one-time`, { method: "POST" });
    onLink({ name: user.name, address: addressOf(one_time) });
    onClose();
  }
  return (
    <Dialog title={t("user.edit_one", { name: user.name })} onClose={onClose}>
      <Form action={t("common.save")} send={send} disabled={name.trim() === ""} onCancel={onClose}>
        <Field label={t("account.display_name")}>{(id) => <Text id={id} value={name} set={setName} maxLength={200} />}</Field>
        <Field label={t("account.email")}>{(id) => <Text id={id} type="email" value={email} set={setEmail} />}</Field>
        <Check label={t("user.is_admin")} value={admin} set={setAdmin} />
        <Check label={t("user.is_active")} value={active} set={setActive} />
      </Form>
      <hr />
      <div class="row">
        <Button onClick={() => void link().catch(tellError)} disabled={!user.is_active}>{t("user.new_link")}</Button>
        <Button kind="danger" onClick={() => setSignOut(true)}>{t("user.sign_out")}</Button>
      </div>
      {signOut && (
        <Confirm title={t("user.sign_out")} action={t("user.sign_out")} onClose={() => setSignOut(false)}
          onConfirm={async () => {
            await request(`${path}/sessions`, { method: "DELETE" });
            tell(t("user.signed_out", { name: user.name }));
          }}>
          <p>{t("user.sign_out_about", { name: user.name })}</p>
        </Confirm>
      )}
    </Dialog>
  );
}

function NewUser({ onMade }: { onMade: (link: Link) => void }) {
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const [email, setEmail] = useState("");
  const [admin, setAdmin] = useState(false);
  async function send(): Promise<void> {
    const body = { name: name.trim(), display_name: shown.trim(), email: email.trim() || null, is_admin: admin };
    const made = await request<{ name: string; one_time: string }>("/users", { body });
    onMade({ name: made.name, address: addressOf(made.one_time) });
    setName("");
    setShown("");
    setEmail("");
    setAdmin(false);
  }
  return (
    <details>
      <summary>{t("user.new")}</summary>
      <Form action={t("user.make")} send={send} disabled={name.trim() === ""} class="box">
        <div class="field-columns">
          <Field label={t("sign_in.name")} hint={t("user.name_hint")}>
            {(id) => <Text id={id} value={name} set={setName} maxLength={100} autocomplete="off" />}
          </Field>
          <Field label={t("account.display_name")}>
            {(id) => <Text id={id} value={shown} set={setShown} maxLength={200} autocomplete="off" />}
          </Field>
          <Field label={t("account.email")} hint={t("user.email_hint")}>
            {(id) => <Text id={id} type="email" value={email} set={setEmail} autocomplete="off" />}
          </Field>
        </div>
        <Check label={t("user.is_admin")} value={admin} set={setAdmin} />
      </Form>
    </details>
  );
}
