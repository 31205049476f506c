// Administration of the server.
import { t } from "../../i18n";
import { address } from "../../router";
import { isAdmin } from "../../session";
import { Tabs } from "../../ui";
import { Groups } from "../account/Groups";
import { NoPage, Refused } from "../Refused";
import { Audit } from "./Audit";
import { AdminJobs } from "./AdminJobs";
import { Users } from "./Users";
import { Workers } from "./Workers";
import "../../styles/admin.css";

const TABS = ["users", "groups", "jobs", "workers", "audit"] as const;
type Tab = (typeof TABS)[number];

export function Admin({ tab }: { tab: string }) {
  if (!isAdmin.value) return <Refused title={t("error.not_allowed")}>{t("error.needs_admin")}</Refused>;
  if (!TABS.includes(tab as Tab)) return <NoPage />;
  return (
    <div class="page admin">
      <h1>{t("nav.admin")}</h1>
      <Tabs label={t("nav.admin")} current={tab}
        tabs={TABS.map((id) => ({ id, label: t(`admin.${id}`), href: address("admin", id) }))} />
      {tab === "users" && <Users />}
      {tab === "groups" && <Groups all />}
      {tab === "jobs" && <AdminJobs />}
      {tab === "workers" && <Workers />}
      {tab === "audit" && <Audit />}
    </div>
  );
}
