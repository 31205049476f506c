// One pull request: its merges in the viewer, its conflicts, what was said, and what one may do.
import { useMemo, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import { hasRole, type Dataset, type Pull, type WholePull } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { me } from "../../session";
import { Button, Confirm, Discussion, Message, Say, State, Time, tell, useLoaded, Waiting } from "../../ui";
import { Decide, type Step } from "../review/Decide";
import { Apply } from "./Apply";
import { groupsOf } from "./groups";
import { Merges } from "./Merges";

const STEPS: Partial<Record<Pull["state"], Step[]>> = {
  open: ["accepted", "changes_requested", "rejected"],
  changes_requested: ["rejected"],
  accepted: ["changes_requested", "rejected"],
};

export function PullPage({ dataset, id }: { dataset: Dataset; id: string }) {
  const root = `${path(dataset.name)}/pulls/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => request<WholePull>(root, { signal }), [root]);
  const pull = loaded.value;
  const groups = useMemo(() => groupsOf(pull?.segments ?? {}), [pull?.segments]);
  async function send(step: string, body: object): Promise<void> {
    try {
      await request(`${root}/${step}`, { body });
    } finally {
      await loaded.reload();
    }
  }
  if (pull === undefined) {
    return (
      <>
        <Back dataset={dataset} />
        <Waiting error={loaded.error} retry={loaded.reload} />
      </>
    );
  }
  const undecided = ["open", "changes_requested", "accepted"].includes(pull.state);
  const conflicts = undecided ? pull.conflicts : [];
  return (
    <article class="pull">
      <Back dataset={dataset} />
      <Facts pull={pull} />
      {conflicts.length > 0 && <Conflicts dataset={dataset} sentences={conflicts} />}
      <Merges dataset={dataset} layer={pull.layer} groups={groups} overlaps={undecided ? pull.overlaps : {}} />
      <Author dataset={dataset} pull={pull} send={send} />
      {hasRole(dataset, "reviewer") && (
        <Decide steps={STEPS[pull.state] ?? []} blocked={conflicts.length > 0 ? t("pull.blocked") : undefined}
          decide={(step, text) => send("review", { step, text, revision: pull.revision })} />
      )}
      {pull.state === "accepted" && <Apply dataset={dataset} reload={loaded.reload} />}
      <h2>{t("review.history")}</h2>
      <Discussion lines={pull.discussion} />
      <Say send={(text) => send("comments", { text })} />
    </article>
  );
}

function Back({ dataset }: { dataset: Dataset }) {
  return (
    <p>
      <a href={address("d", dataset.name, "reviews")}>← {t("pull.back")}</a>
    </p>
  );
}

function Facts({ pull }: { pull: Pull }) {
  return (
    <>
      <h1>{pull.title}</h1>
      <p class="row badges"><State state={pull.state} /></p>
      {pull.description && <p class="prose">{pull.description}</p>}
      <dl class="fact-list">
        <dt>{t("pull.author")}</dt>
        <dd>{pull.author} · <Time time={pull.created} /></dd>
        {pull.reviewer && (
          <>
            <dt>{t("pull.reviewer")}</dt>
            <dd>{pull.reviewer}{pull.decided && <> · <Time time={pull.decided} /></>}</dd>
          </>
        )}
        <dt>{t("pull.layer")}</dt>
        <dd>{pull.layer ?? t("pull.no_layer")} <span class="hint">{t("pull.version", { version: pull.base_version })}</span></dd>
        {pull.applied_version && (
          <>
            <dt>{t("pull.applied")}</dt>
            <dd>{t("pull.version", { version: pull.applied_version })}</dd>
          </>
        )}
      </dl>
    </>
  );
}

const PULL_ID = /pull request ([0-9A-Za-z]{10,32})/;

function Conflicts({ dataset, sentences }: { dataset: Dataset; sentences: readonly string[] }) {
  return (
    <Message kind="error">
      <h2>{t("pull.conflicts")}</h2>
      <ul>
        {sentences.map((sentence) => {
          const other = PULL_ID.exec(sentence)?.[1];
          return (
            <li key={sentence}>
              {sentence}{" "}
              {other && <a href={address("d", dataset.name, "reviews", other)}>{t("pull.other")}</a>}
            </li>
          );
        })}
      </ul>
      <p>{t("pull.conflicts_about")}</p>
    </Message>
  );
}

interface AuthorProps {
  dataset: Dataset;
  pull: WholePull;
  send: (step: string, body: object) => Promise<void>;
}

function Author({ dataset, pull, send }: AuthorProps) {
  const [withdrawing, setWithdrawing] = useState(false);
  const [renewing, setRenewing] = useState(false);
  if (pull.author !== me.value?.name || !hasRole(dataset, "annotator")) return null;
  const mayRenew = ["open", "changes_requested"].includes(pull.state);
  const mayWithdraw = mayRenew || pull.state === "accepted";
  return (
    <div class="row own-actions">
      {mayRenew && <Button onClick={() => setRenewing(true)}>{t("pull.renew")}</Button>}
      {mayWithdraw && <Button kind="danger" onClick={() => setWithdrawing(true)}>{t("pull.withdraw")}</Button>}
      {renewing && (
        <Confirm title={t("pull.renew")} action={t("pull.renew")} onClose={() => setRenewing(false)}
          onConfirm={async () => {
            await send("renew", { text: "" });
            tell(t("pull.renewed"));
          }}>
          <p>{t("pull.renew_about")}</p>
        </Confirm>
      )}
      {withdrawing && (
        <Confirm title={t("pull.withdraw")} action={t("pull.withdraw")} onClose={() => setWithdrawing(false)}
          onConfirm={() => send("withdraw", { text: "" })}>
          <p>{t("pull.withdraw_about")}</p>
        </Confirm>
      )}
    </div>
  );
}
