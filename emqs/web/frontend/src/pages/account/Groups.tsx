// Groups with their members; owners and admins change who is in them.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { t } from "../../i18n";
import { isAdmin, load, me } from "../../session";
import { Button, Check, Confirm, Empty, Field, Form, Text, tell, useLoaded, Waiting } from "../../ui";

import { People } from "./People";

export interface Group {
  id: string;
  name: string;
  description: string;
  members: { name: string; is_owner: boolean }[];
}

// all: those that an admin sees; otherwise one's own.
export function Groups({ all = false }: { all?: boolean }) {
  const groups = useLoaded(async () => (await request<{ groups: Group[] }>("/groups")).groups, []);
  const [asked, setAsked] = useState<Group | null>(null);
  const mine = groups.value?.filter((one) => all || one.members.some((m) => m.name === me.value?.name));
  if (mine === undefined) return <Waiting error={groups.error} retry={groups.reload} />;
  return (
    <>
      <People />
      {mine.length === 0 && <Empty>{all ? t("group.none") : t("group.none_own")}</Empty>}
      <ul class="tiles group-list">
        {mine.map((group) => (
          <li key={group.id} class="tile" aria-label={group.name}>
            <GroupCard group={group} reload={groups.reload} onDelete={all ? () => setAsked(group) : undefined} />
          </li>
        ))}
      </ul>
      {all && <NewGroup reload={groups.reload} />}
      {asked && (
        <Confirm title={t("group.delete_title", { name: asked.name })} action={t("common.delete")}
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await request(`/groups/${encodeURIComponent(asked.name)}`, { method: "DELETE" });
            await groups.reload();
          }}>
          <p>{t("group.delete_about")}</p>
        </Confirm>
      )}
    </>
  );
}

interface CardProps {
  group: Group;
  reload: () => Promise<void>;
  onDelete?: () => void;
}

function GroupCard({ group, reload, onDelete }: CardProps) {
  const [asked, setAsked] = useState<string | null>(null);
  const own = me.value?.name ?? "";
  const mayChange = isAdmin.value || group.members.some((m) => m.name === own && m.is_owner);
  const path = (user: string) => `/groups/${encodeURIComponent(group.name)}/members/${encodeURIComponent(user)}`;
  async function put(user: string, is_owner: boolean): Promise<void> {
    await request(path(user), { method: "PUT", body: { is_owner } });
    await reload();
  }
  function removal(name: string): string {
    return t(name === own ? "group.leave_one" : "group.remove_one", { name, group: group.name });
  }
  return (
    <>
      <div class="row">
        <h3 class="grow">{group.name}</h3>
        {onDelete && (
          <Button kind="danger" aria-label={t("group.delete_one", { name: group.name })} onClick={onDelete}>
            {t("common.delete")}
          </Button>
        )}
      </div>
      {group.description && <p>{group.description}</p>}
      {group.members.length === 0 && <Empty>{t("group.no_members")}</Empty>}
      <ul class="line-list">
        {group.members.map((member) => (
          <li key={member.name} class="row">
            <span class="grow">
              {member.name} {member.is_owner && <span class="hint">{t("group.owner")}</span>}
            </span>
            {(mayChange || member.name === own) && (
              <Button kind="quiet" onClick={() => setAsked(member.name)}
                aria-label={removal(member.name)}>
                {member.name === own ? t("group.leave") : t("common.remove")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {mayChange && <AddMember put={put} group={group.name} />}
      {asked !== null && (
        <Confirm title={removal(asked)}
          action={asked === own ? t("group.leave") : t("common.remove")} onClose={() => setAsked(null)}
          onConfirm={async () => {
            await request(path(asked), { method: "DELETE" });
            if (asked === own) await load(); // some datasets may be gone with it
            await reload();
          }}>
          <p>{t("group.remove_about")}</p>
        </Confirm>
      )}
    </>
  );
}

function AddMember({ put, group }: { put: (user: string, owner: boolean) => Promise<void>; group: string }) {
  const [name, setName] = useState("");
  const [owner, setOwner] = useState(false);
  return (
    <Form action={t("group.add")} disabled={name.trim() === ""}
      send={async () => {
        await put(name.trim(), owner);
        tell(t("group.added", { name: name.trim(), group }));
        setName("");
      }}>
      <Field label={t("group.user", { group })}>
        {(id) => <Text id={id} value={name} set={setName} autocomplete="off" list="people" />}
      </Field>
      <Check label={t("group.as_owner")} value={owner} set={setOwner} />
    </Form>
  );
}

function NewGroup({ reload }: { reload: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <details>
      <summary>{t("group.new")}</summary>
      <Form action={t("group.make")} disabled={name.trim() === ""}
        send={async () => {
          await request("/groups", { body: { name: name.trim(), description } });
          setName("");
          setDescription("");
          await reload();
        }}>
        <Field label={t("group.name")} hint={t("user.name_hint")}>
          {(id) => <Text id={id} value={name} set={setName} autocomplete="off" maxLength={100} />}
        </Field>
        <Field label={t("dataset.description")}>
          {(id) => <Text id={id} value={description} set={setDescription} maxLength={2000} />}
        </Field>
      </Form>
    </details>
  );
}
