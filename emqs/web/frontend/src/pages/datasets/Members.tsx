// Who has which role in a dataset.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import { ROLES, type Dataset, type Role } from "../../api/types";
import { t } from "../../i18n";
import { loadDatasets, me } from "../../session";
import { Button, Choice, Empty, Field, Form, Heads, tell, tellError, Text, useLoaded, Waiting } from "../../ui";
import type { Group } from "../account/Groups";
import { People } from "../account/People";

interface Grant {
  user: string | null;
  group: string | null;
  role: Role;
}

const roles = () => ROLES.map((role) => [role, t(`role.${role}`)] as const);

export function Members({ dataset }: { dataset: Dataset }) {
  const root = `${path(dataset.name)}/grants`;
  const grants = useLoaded(async () => (await request<{ grants: Grant[] }>(root)).grants, [root]);
  async function put(grant: Grant): Promise<void> {
    const subject = grant.user === null ? { group: grant.group } : { user: grant.user };
    await request(root, { method: "PUT", body: { ...subject, role: grant.role } });
    await grants.reload();
    if (grant.user === me.value?.name) await loadDatasets();
  }
  async function remove(grant: Grant): Promise<void> {
    await request(root, { method: "DELETE", query: { user: grant.user, group: grant.group } });
    await grants.reload();
    const name = grant.user ?? grant.group ?? "";
    const undo = { label: t("common.undo"), run: () => void put(grant).catch(tellError) };
    tell(t("member.removed", { name }), { action: undo });
  }
  return (
    <>
      <p class="hint">
        {dataset.visibility === "public" ? t("member.public") : t("member.private")} {t("member.admins")}
      </p>
      {grants.value === undefined && <Waiting error={grants.error} retry={grants.reload} />}
      {grants.value?.length === 0 && <Empty>{t("member.none")}</Empty>}
      {grants.value !== undefined && grants.value.length > 0 && (
        <div class="scroll-x">
          <table aria-label={t("settings.members")} class="narrow-column">
            <Heads words={["member.who", "dataset.role"]} actions />
            <tbody>
              {grants.value.map((grant) => (
                <Row key={`${grant.user}/${grant.group}`} grant={grant} put={put} remove={remove} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <AddMember put={put} />
      <dl class="fact-list role-list">
        {ROLES.flatMap((role) => [
          <dt key={role}>{t(`role.${role}`)}</dt>,
          <dd key={`${role}_may`}>{t(`role.${role}_may`)}</dd>,
        ])}
      </dl>
    </>
  );
}

interface RowProps {
  grant: Grant;
  put: (grant: Grant) => Promise<void>;
  remove: (grant: Grant) => Promise<void>;
}

function Row({ grant, put, remove }: RowProps) {
  const name = grant.user ?? grant.group ?? "";
  const [busy, setBusy] = useState(false); // what is removed, and may be put back, is what the server has
  function change(role: Role): void {
    setBusy(true);
    put({ ...grant, role }).catch(tellError).finally(() => setBusy(false));
  }
  return (
    <tr>
      <td>{name} {grant.group !== null && <span class="hint">{t("member.group")}</span>}</td>
      <td>
        <Choice label={t("member.role_of", { name })} value={grant.role} options={roles()}
          set={change} />
      </td>
      <td>
        <Button kind="danger" aria-label={t("member.remove_one", { name })} disabled={busy}
          onClick={() => void remove(grant).catch(tellError)}>
          {t("common.remove")}
        </Button>
      </td>
    </tr>
  );
}

function AddMember({ put }: { put: (grant: Grant) => Promise<void> }) {
  const [kind, setKind] = useState<"user" | "group">("user");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("annotator");
  const groups = useLoaded(async () => (await request<{ groups: Group[] }>("/groups")).groups, []);
  async function send(): Promise<void> {
    const clean = name.trim();
    await put({ user: kind === "user" ? clean : null, group: kind === "group" ? clean : null, role });
    tell(t("member.added", { name: clean, role: t(`role.${role}`) }));
    setName("");
  }
  return (
    <Form action={t("member.add")} send={send} disabled={name.trim() === ""} class="narrow-column box">
      <h2>{t("member.add")}</h2>
      <People />
      <datalist id="groups">
        {groups.value?.map((group) => <option key={group.name} value={group.name} />)}
      </datalist>
      <div class="field-columns">
        <Field label={t("member.kind")}>
          {(id) => (
            <Choice id={id} value={kind} set={setKind} options={[["user", t("member.user")], ["group", t("member.group")]]} />
          )}
        </Field>
        <Field label={t("member.name")}>
          {(id) => (
            <Text id={id} value={name} set={setName} autocomplete="off" list={kind === "user" ? "people" : "groups"} />
          )}
        </Field>
        <Field label={t("dataset.role")}>
          {(id) => <Choice id={id} value={role} set={setRole} options={roles()} />}
        </Field>
      </div>
    </Form>
  );
}
