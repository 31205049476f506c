// One entry of the atlas: its place, what was said of it, and what one may do with it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import { hasRole, type AtlasEntry, type Dataset, type Line } from "../../api/types";
import { t } from "../../i18n";
import { address, cameWithView, go } from "../../router";
import { me } from "../../session";
import { Button, Confirm, Discussion, Say, State, Time, useLoaded, Waiting } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { inNm, triple } from "../datasets/place";
import { Decide, type Step } from "../review/Decide";
import { position, useMarks } from "./marks";
import { Resubmit } from "./Resubmit";

type WholeEntry = AtlasEntry & { discussion: Line[] };

const STEPS: Partial<Record<AtlasEntry["state"], Step[]>> = {
  submitted: ["accepted", "changes_requested", "rejected"],
  changes_requested: ["rejected"],
  accepted: ["rejected"],
};

export function Entry({ dataset, id }: { dataset: Dataset; id: string }) {
  const root = `${path(dataset.name)}/atlas/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => request<WholeEntry>(root, { signal }), [root]);
  const entry = loaded.value;
  const [moves] = useState(!cameWithView); // an address with a view shows that view
  const handle = viewer.value;
  useEffect(() => {
    if (moves && handle !== null && entry !== undefined) handle.go(position(entry.place));
  }, [handle, entry?.id]);
  const marked = useMemo(() => (entry === undefined ? [] : [entry]), [entry]);
  useMarks(marked, dataset);
  async function send(step: string, body: object): Promise<void> {
    try {
      await request(`${root}/${step}`, { body });
    } finally {
      await loaded.reload(); // a conflict means that it was changed meanwhile
    }
  }
  return (
    <article class="atlas-entry">
      <p>
        <a href={address("d", dataset.name, "atlas")}>← {t("atlas.back")}</a>
      </p>
      {entry === undefined ? (
        <Waiting error={loaded.error} retry={loaded.reload} />
      ) : (
        <>
          <Facts dataset={dataset} entry={entry} />
          <Author dataset={dataset} entry={entry} send={send} reload={loaded.reload} />
          {hasRole(dataset, "reviewer") && (
            <Decide steps={STEPS[entry.state] ?? []}
              decide={(step, text) => send("review", { step, text, revision: entry.revision })} />
          )}
          <h2>{t("review.history")}</h2>
          <Discussion lines={entry.discussion} />
          <Say send={(text) => send("comments", { text })} />
        </>
      )}
    </article>
  );
}

function Facts({ dataset, entry }: { dataset: Dataset; entry: AtlasEntry }) {
  return (
    <>
      <h1>{entry.title}</h1>
      <p class="row badges">
        <State state={entry.state} />
        {entry.tags.map((tag) => <span key={tag} class="tag-mark">#{tag}</span>)}
      </p>
      <p class="prose">{entry.description}</p>
      <dl class="fact-list">
        <dt>{t("atlas.author")}</dt>
        <dd>{entry.owner} · <Time time={entry.created} /></dd>
        {entry.reviewer && (
          <>
            <dt>{t("atlas.reviewer")}</dt>
            <dd>{entry.reviewer}</dd>
          </>
        )}
        <dt>{t("atlas.place")}</dt>
        <dd>
          {triple(entry.place, 1, ", ")}{" "}
          <span class="hint">({triple(inNm(entry.place, dataset.voxel_size_nm), 0, ", ")} nm)</span>
        </dd>
      </dl>
      <Button onClick={() => viewer.value?.go(position(entry.place))} disabled={viewer.value === null}>
        {t("atlas.go")}
      </Button>
    </>
  );
}

interface AuthorProps {
  dataset: Dataset;
  entry: WholeEntry;
  send: (step: string, body: object) => Promise<void>;
  reload: () => Promise<void>;
}

// What the author of an entry may do with it.
function Author({ dataset, entry, send, reload }: AuthorProps) {
  const [withdrawing, setWithdrawing] = useState(false);
  const [editing, setEditing] = useState(false);
  if (entry.owner !== me.value?.name || !hasRole(dataset, "annotator")) return null;
  const inAtlas = ["submitted", "changes_requested", "accepted"].includes(entry.state);
  return (
    <div class="row own-actions">
      {entry.state !== "superseded" && (
        <Button kind={entry.state === "changes_requested" ? "primary" : "plain"} onClick={() => setEditing(true)}>
          {t("atlas.edit")}
        </Button>
      )}
      {inAtlas && <Button kind="danger" onClick={() => setWithdrawing(true)}>{t("atlas.withdraw")}</Button>}
      {editing && (
        <Resubmit dataset={dataset} entry={entry} onClose={() => setEditing(false)}
          onSent={async (now) => {
            if (now === entry.id) await reload();
            else go(address("d", dataset.name, "atlas", now));
          }} />
      )}
      {withdrawing && (
        <Confirm title={t("atlas.withdraw_title", { title: entry.title })} action={t("atlas.withdraw")}
          onClose={() => setWithdrawing(false)} onConfirm={() => send("withdraw", { text: "" })}>
          <p>{t("atlas.withdraw_about")}</p>
        </Confirm>
      )}
    </div>
  );
}
