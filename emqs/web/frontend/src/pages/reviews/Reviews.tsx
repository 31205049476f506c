// Pull requests of merged segments.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset, Pull } from "../../api/types";
import { t } from "../../i18n";
import { address, hash, keep } from "../../router";
import { Button, Choice, Empty, State, stateWord, Time, usePaged, Waiting } from "../../ui";
import { Apply } from "./Apply";
import { PullPage } from "./PullPage";
import "../../styles/reviews.css";

const PAGE = 50;
const STATES = ["open", "changes_requested", "accepted", "rejected", "withdrawn", "applied"] as const;

export function Reviews({ dataset, rest }: { dataset: Dataset; rest: string[] }) {
  if (rest[0] !== undefined) return <PullPage key={rest[0]} dataset={dataset} id={rest[0]} />;
  return <List dataset={dataset} />;
}

function List({ dataset }: { dataset: Dataset }) {
  const given = hash.value.reviews as { state?: string } | undefined;
  const [state, setState] = useState(given?.state ?? "");
  const pulls = usePaged<Pull>(
    async (after, signal) => {
      const query = { state, after, limit: PAGE };
      const page = await request<{ pulls: Pull[]; after: string | null }>(`${path(dataset.name)}/pulls`, {
        query, signal,
      });
      return { rows: page.pulls, after: page.after };
    },
    [dataset.name, state],
  );
  function choose(chosen: string): void {
    setState(chosen);
    keep("reviews", chosen === "" ? null : { state: chosen });
  }
  return (
    <div class="reviews">
      <h1>{t("nav.reviews")}</h1>
      <p class="hint">{t("pull.about")}</p>
      <p class="row filter-bar">
        <Choice label={t("atlas.state")} value={state} set={choose}
          options={[["", t("atlas.any_state")], ...STATES.map((one) => [one, stateWord(one)] as const)]} />
      </p>
      {pulls.rows === undefined && <Waiting error={pulls.error} retry={pulls.reload} />}
      {pulls.rows?.length === 0 && <Empty>{state === "" ? t("pull.none") : t("atlas.none_fit")}</Empty>}
      <ul class="line-list pull-list" aria-label={t("pull.list")}>
        {pulls.rows?.map((pull) => (
          <li key={pull.id}>
            <a href={address("d", dataset.name, "reviews", pull.id)}>{pull.title}</a>{" "}
            <State state={pull.state} />
            <p class="hint">
              {pull.author} · <Time time={pull.created} />
              {pull.layer && ` · ${pull.layer}`}
              {pull.reviewer && ` · ${t("pull.reviewed_by", { name: pull.reviewer })}`}
            </p>
          </li>
        ))}
      </ul>
      {pulls.hasMore && (
        <Button disabled={pulls.busy} onClick={() => void pulls.more()}>{t("common.more")}</Button>
      )}
      <Apply dataset={dataset} reload={pulls.reload} />
    </div>
  );
}
