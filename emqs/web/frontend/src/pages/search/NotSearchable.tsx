// What to do with a dataset that has no codes.
import { hasRole, type Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { Message } from "../../ui";

export function NotSearchable({ dataset }: { dataset: Dataset }) {
  return (
    <Message kind="info">
      <p>{t("search.not_searchable", { name: dataset.title || dataset.name })}</p>
      {hasRole(dataset, "manager") ? (
        <>
          <p>
            <a href={address("d", dataset.name, "settings", "jobs")}>{t("search.embed_here")}</a>
          </p>
          <p>{t("search.embed_console")}</p>
          <pre class="command">python -m emqs.embed volume=VOLUME out=VOLUME_emb.zarr</pre>
          <p class="hint">{t("search.embed_store")}</p>
        </>
      ) : (
        <p>{t("search.embed_ask")}</p>
      )}
    </Message>
  );
}
