// Two saved searches side by side: what both gave, and what only one did.
import { useEffect, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { Message, Spinner } from "../../ui";
import { askFor } from "./embeddings";
import { stateOf } from "./model";
import { Cards } from "./Cards";
import { useComparedLayers } from "./comparedLayers";
import { enter } from "./store";
import type { Comparison, Match, Saved } from "./types";

interface Told {
  comparison: Comparison;
  first: Saved;
  second: Saved;
}

function Same({ comparison, first, second }: Told) {
  const filters = ({ question }: Saved) => JSON.stringify(stateOf({ ...question, k: 1 }, "").filters);
  const same = {
    examples: comparison.same_examples,
    settings: filters(first) === filters(second), // how many matches were kept makes no difference
    fingerprint: comparison.same_fingerprint,
  };
  const parts = (["examples", "settings", "fingerprint"] as const).map((what) =>
    t(`saved.${same[what] ? "same" : "other"}_${what}`),
  );
  return <p class="quiet">{parts.join(" · ")}</p>;
}

export function Compare({ dataset, first, second }: { dataset: Dataset; first: string; second: string }) {
  const [told, setTold] = useState<Told | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    enter(dataset.name);
    askFor(dataset.name);
    const root = `${path(dataset.name)}/searches`;
    const one = (id: string) => `${root}/${encodeURIComponent(id)}`;
    setTold(null);
    setError(null);
    Promise.all([
      request<Comparison>(`${one(first)}/compare`, { query: { with: second } }),
      request<Saved>(one(first)),
      request<Saved>(one(second)),
    ])
      .then(([comparison, a, b]) => setTold({ comparison, first: a, second: b }))
      .catch((reason: Error) => setError(reason.message));
  }, [dataset.name, first, second]);
  useComparedLayers(told?.comparison ?? null, dataset);
  if (error) return <Message kind="error">{error}</Message>;
  if (told === null) return <Spinner />;
  const { comparison } = told;
  const groups: [string, string, Match[], ((match: Match) => string) | undefined][] = [
    ["both", t("saved.both"), comparison.both, (match) => t("saved.ranks", { a: match.rank, b: (match as Comparison["both"][number]).other_rank })],
    ["first", t("saved.only", { title: told.first.title }), comparison.only_first, undefined],
    ["second", t("saved.only", { title: told.second.title }), comparison.only_second, undefined],
  ];
  return (
    <section class="compare" aria-labelledby="compare-title">
      <p>
        <a href={address("d", dataset.name, "search", "saved") + location.hash}>← {t("saved.list")}</a>
      </p>
      <h2 id="compare-title">{t("saved.compare_title", { a: told.first.title, b: told.second.title })}</h2>
      <Same {...told} />
      {groups.map(([id, label, matches, extra]) => (
        <div key={id} class={`compared ${id}`}>
          <h3>
            {label} <span class="quiet">({matches.length})</span>
          </h3>
          {matches.length > 0 && <Cards label={label} matches={matches} dataset={dataset.name} plain extra={extra} />}
        </div>
      ))}
    </section>
  );
}
