// The page of annotations and segments of a dataset.
import { useEffect, useMemo } from "preact/hooks";
import { hasRole, type Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import "../../styles/annotate.css";
import { Message, Tabs, tellError } from "../../ui";
import { useViewing } from "../../viewer/Viewer";
import { AnnotationsTab } from "./AnnotationsTab";
import { AtlasTab } from "./AtlasTab";
import { LayersTab } from "./LayersTab";
import { SegmentsTab } from "./SegmentsTab";
import { showAll } from "./shown";
import { makeStore } from "./store";

const TABS = ["annotations", "atlas", "segments", "layers"] as const;

export function Annotate({ dataset, tab }: { dataset: Dataset; tab: string }) {
  const store = useMemo(() => makeStore(dataset), [dataset.name, dataset.role]);
  useEffect(() => {
    store.loadOwners().then(() => store.load(true)).catch(tellError);
  }, [store]);
  useViewing(dataset.name, (handle) => showAll(store, handle), [store]);
  const segmented = dataset.layers.some((layer) => layer.kind === "segmentation");
  const shown = TABS.filter((name) => name !== "segments" || segmented);
  return (
    <div class="annotate">
      <h1 class="hidden">{t("nav.annotate")}</h1>
      <Tabs
        label={t("annotate.tabs")}
        current={tab}
        tabs={shown.map((name) => ({
          id: name,
          label: t(`annotate.tab_${name}`),
          href: address("d", dataset.name, "annotate", name) + location.hash,
        }))}
      />
      {!hasRole(dataset, "annotator") && <Message kind="info">{t("annotate.reader")}</Message>}
      {tab === "annotations" && <AnnotationsTab store={store} />}
      {tab === "atlas" && <AtlasTab store={store} />}
      {tab === "segments" && segmented && <SegmentsTab dataset={dataset} />}
      {tab === "layers" && <LayersTab dataset={dataset} />}
      {!(shown as readonly string[]).includes(tab) && <Message kind="error">{t("error.no_page")}</Message>}
    </div>
  );
}
