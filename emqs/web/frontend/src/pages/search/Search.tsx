// The page of searches: examples, filters, matches; and the searches that were kept.
import { useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address, hash, route } from "../../router";
import { Button, Tabs, tellError } from "../../ui";
import "../../styles/search.css";
import { Compare } from "./Compare";
import { Examples } from "./Examples";
import { FiltersForm } from "./FiltersForm";
import { HelpDialog } from "./HelpDialog";
import { CopyLink } from "./CopyLink";
import { NotSearchable } from "./NotSearchable";
import { Results, Trouble, Working } from "./Results";
import { SavedList } from "./SavedList";
import { auto, busy, canSearch, run, setAuto, state } from "./store";
import { useAddress, useKeys, useRetry, useViewer } from "./useSearch";

function Asking({ dataset }: { dataset: Dataset }) {
  return (
    <>
      <Examples dataset={dataset} />
      <FiltersForm dataset={dataset} />
      <div class="row search-row">
        <Button
          kind="primary"
          disabled={!canSearch.value}
          title={canSearch.value ? t("search.search_hint") : t("search.needs_positive")}
          onClick={() => run().catch(tellError)}
        >
          {t("search.search")}
        </Button>
        <label class="check" title={t("search.auto_hint")}>
          <input type="checkbox" checked={auto.value} onChange={(event) => setAuto(event.currentTarget.checked)} />
          {t("search.auto")}
        </label>
        {state.value.positives.length > 0 && (
          <a class="predict-link" href={address("d", dataset.name, "predict") + location.hash} title={t("predict.link_hint")}>
            {t("predict.link")}
          </a>
        )}
        {busy.value !== null && <Working />}
      </div>
      <Trouble />
      <Results dataset={dataset} />
    </>
  );
}

function Open({ dataset, help }: { dataset: Dataset; help: () => void }) {
  useAddress(dataset);
  useViewer(dataset);
  useRetry();
  useKeys(dataset, help);
  return <Asking dataset={dataset} />;
}

// Each tab takes the state in the address along; it is drawn anew whenever that changes.
function TopTabs({ dataset, current }: { dataset: Dataset; current: string }) {
  const state = Object.keys(hash.value).length > 0 ? "#" + encodeURIComponent(JSON.stringify(hash.value)) : "";
  const here = (...rest: string[]) => address("d", dataset.name, "search", ...rest) + state;
  return (
    <Tabs
      label={t("nav.search")}
      current={current}
      tabs={[
        { id: "search", label: t("search.tab"), href: here() },
        { id: "saved", label: t("saved.list"), href: here("saved") },
      ]}
    />
  );
}

export function Search({ dataset }: { dataset: Dataset }) {
  const [help, setHelp] = useState(false);
  const [tab, first, second] = route.value.path.slice(3);
  const name = tab === "saved" || tab === "compare" ? "saved" : "search";
  return (
    <div class="search-page">
      <h1 class="hidden">{t("nav.search")}</h1>
      <div class="row spread top-row">
        <TopTabs dataset={dataset} current={name} />
        <span class="row tight">
          <CopyLink dataset={dataset} />
          <Button kind="quiet" icon="?" label={t("help.title")} onClick={() => setHelp(true)} />
        </span>
      </div>
      {!dataset.searchable && name === "search" && <NotSearchable dataset={dataset} />}
      {dataset.searchable && name === "search" && <Open dataset={dataset} help={() => setHelp(true)} />}
      {tab === "saved" && <SavedList dataset={dataset} />}
      {tab === "compare" && <Compare dataset={dataset} first={first ?? ""} second={second ?? ""} />}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}
