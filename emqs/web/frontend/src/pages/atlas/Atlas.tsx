// The atlas: places with a title and a description that were reviewed, as cards.
import { useEffect } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address, go, route } from "../../router";
import { datasets } from "../../session";
import { Spinner } from "../../ui";
import { Cards } from "./Cards";
import { Entry } from "./Entry";
import "../../styles/atlas.css";

export function Atlas({ dataset, rest }: { dataset: Dataset | null; rest: string[] }) {
  if (dataset === null) return <Everywhere />;
  if (rest[0] !== undefined) return <Entry key={rest[0]} dataset={dataset} id={rest[0]} />;
  return (
    <div class="atlas">
      <div class="row head">
        <h1 class="grow">{t("nav.atlas")}</h1>
        {datasets.value.length > 1 && <a href="/atlas">{t("atlas.all_datasets")}</a>}
      </div>
      <Cards dataset={dataset} />
    </div>
  );
}

// /atlas, and /atlas?dataset=NAME&entry=ID as the server writes it into links.
function Everywhere() {
  const dataset = route.value.query.get("dataset");
  const entry = route.value.query.get("entry");
  useEffect(() => {
    if (dataset && entry) go(address("d", dataset, "atlas", entry), { replace: true });
  }, [dataset, entry]);
  if (dataset && entry) return <Spinner />;
  return (
    <div class="page atlas">
      <h1>{t("nav.atlas")}</h1>
      <p class="hint">{t("atlas.about")}</p>
      <Cards dataset={null} />
    </div>
  );
}
