// What a manager decides about a dataset.
import { hasRole, type Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { Tabs } from "../../ui";
import { NoPage, Refused } from "../Refused";
import { About } from "./About";
import { DatasetJobs } from "./DatasetJobs";
import { Layers } from "./Layers";
import { Links } from "./Links";
import { Members } from "./Members";
import "../../styles/datasets.css";

const TABS = ["about", "layers", "members", "links", "jobs"] as const;
type Tab = (typeof TABS)[number];

export function DatasetSettings({ dataset, tab }: { dataset: Dataset; tab: string }) {
  if (!hasRole(dataset, "manager")) {
    return (
      <Refused title={t("error.not_allowed")}>
        {t("error.needs_manager", { name: dataset.title || dataset.name, role: t(`role.${dataset.role ?? "none"}`) })}
      </Refused>
    );
  }
  if (!TABS.includes(tab as Tab)) return <NoPage />;
  return (
    <div class="page">
      <h1>{t("dataset.settings_of", { name: dataset.title || dataset.name })}</h1>
      <Tabs label={t("dataset.settings")} current={tab}
        tabs={TABS.map((id) => ({ id, label: t(`settings.${id}`), href: address("d", dataset.name, "settings", id) }))} />
      {tab === "about" && <About key={dataset.name} dataset={dataset} />}
      {tab === "layers" && <Layers dataset={dataset} />}
      {tab === "members" && <Members key={dataset.name} dataset={dataset} />}
      {tab === "links" && <Links key={dataset.name} dataset={dataset} />}
      {tab === "jobs" && <DatasetJobs key={dataset.name} dataset={dataset} />}
    </div>
  );
}
