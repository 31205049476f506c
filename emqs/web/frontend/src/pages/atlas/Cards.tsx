// Cards of entries that fit the filter; each leads to its place.
import { useEffect, useState } from "preact/hooks";
import { request } from "../../api/client";
import type { AtlasEntry, Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address, keep } from "../../router";
import { datasets, me } from "../../session";
import { Button, Empty, State, Time, usePaged, Waiting } from "../../ui";
import { snapshot } from "../datasets/place";
import { FilterBar } from "./FilterBar";
import { filters, fromAddress, kept, NONE } from "./filters";
import { useMarks } from "./marks";

const PAGE = 24;
const PICTURE = 256;

export function Cards({ dataset }: { dataset: Dataset | null }) {
  useState(fromAddress); // before the first request
  const now = filters.value;
  useEffect(() => keep("atlas", kept(now)), [now]);
  const where = dataset?.name ?? now.dataset;
  const entries = usePaged<AtlasEntry>(
    async (after, signal) => {
      const owner = now.own ? me.value?.name : null;
      const query = { dataset: where, state: now.state, text: now.text, tag: now.tag, owner, limit: PAGE, after };
      const page = await request<{ entries: AtlasEntry[]; after: string | null }>("/atlas", { query, signal });
      return { rows: page.entries, after: page.after };
    },
    [where, now.state, now.text, now.tag, now.own],
  );
  useMarks(dataset === null ? [] : (entries.rows ?? []), dataset);
  return (
    <>
      <FilterBar choosesDataset={dataset === null} />
      {entries.rows === undefined && <Waiting error={entries.error} retry={entries.reload} />}
      {entries.rows?.length === 0 && (
        <Empty>{kept({ ...now, dataset: "" }) === null ? t("atlas.none") : t("atlas.none_fit")}</Empty>
      )}
      <ul class="tiles atlas-tiles" aria-label={t("atlas.entries")}>
        {entries.rows?.map((entry) => (
          <li key={entry.id} class="tile">
            <Card entry={entry} withDataset={dataset === null} />
          </li>
        ))}
      </ul>
      {entries.hasMore && (
        <Button disabled={entries.busy} onClick={() => void entries.more()}>{t("common.more")}</Button>
      )}
    </>
  );
}

function Card({ entry, withDataset }: { entry: AtlasEntry; withDataset: boolean }) {
  const [failed, setFailed] = useState(false);
  const title = datasets.value.find((one) => one.name === entry.dataset)?.title;
  return (
    <>
      {failed ? (
        <p class="no-picture">{t("dataset.no_picture")}</p>
      ) : (
        <img loading="lazy" width={PICTURE} height={PICTURE} alt="" src={snapshot(entry.dataset, entry.place, PICTURE)}
          onError={() => setFailed(true)} />
      )}
      <h2>
        <a class="covers" href={address("d", entry.dataset, "atlas", entry.id)}>{entry.title}</a>
      </h2>
      <p class="summary">{entry.description}</p>
      <p class="hint">
        {entry.owner} · <Time time={entry.changed} />
        {withDataset && ` · ${title ?? entry.dataset}`}
      </p>
      <p class="row badges">
        <State state={entry.state} />
        {entry.tags.map((tag) => (
          <Button key={tag} kind="quiet" class="tag-mark above" title={t("atlas.only_tag", { tag })}
            onClick={() => (filters.value = { ...NONE, dataset: filters.value.dataset, tag })}>
            #{tag}
          </Button>
        ))}
      </p>
    </>
  );
}
