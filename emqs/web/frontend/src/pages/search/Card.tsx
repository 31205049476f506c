// A match: its picture, where it lies, how alike it is, and what the user says of it.
import { t } from "../../i18n";
import { nanometres, percent, scored, voxels } from "./format";
import { pictureOf } from "./embeddings";
import { keyOf } from "./model";
import { choose, chosen, marks, setMark } from "./store";
import type { Match } from "./types";

export interface CardProps {
  match: Match;
  other?: boolean; // of another dataset than the one that is open
  reachable: boolean; // by the tab key: one card of a list is
  plain?: boolean; // nothing can be said of it
  extra?: string;
  onGo: (match: Match) => void;
  onHover: (match: Match | null) => void;
  onFocus: () => void;
}

export function Card({ match, other, reachable, plain, extra, onGo, onHover, onFocus }: CardProps) {
  const mark = marks.value[keyOf(match)];
  const tab = reachable ? 0 : -1;
  const where = voxels(match);
  return (
    <li
      class={`card ${mark ?? ""}`}
      data-key={keyOf(match)}
      onMouseEnter={() => onHover(match)}
      onMouseLeave={() => onHover(null)}
      onFocusCapture={() => {
        onFocus();
        onHover(match);
      }}
      onBlurCapture={() => onHover(null)}
    >
      <button type="button" class="picture go" tabIndex={tab} onClick={() => onGo(match)}>
        <img src={pictureOf(match)} alt="" loading="lazy" width="128" height="128" />
        <span class="rank" aria-hidden="true">{match.rank}</span>
        {mark && <span class="sign" aria-hidden="true">{mark === "right" ? "✓" : "✗"}</span>}
        <span class="hidden">
          {t("search.go_match", { rank: match.rank, where })}
          {mark && `, ${t(`search.${mark}`)}`}
        </span>
      </button>
      <p class="where" title={t("search.voxel_hint")}>{where}</p>
      <p class="where quiet">{nanometres(match)}</p>
      {other && <p class="where dataset">{match.dataset}</p>}
      <p class="numbers">
        {match.hamming !== null && <span title={t("search.hamming_hint")}>H {match.hamming}</span>}
        {match.score !== null && <span title={t("search.score_hint")}>{scored(match.score)}</span>}
        {match.probability !== null && (
          <strong title={t("search.probability_hint")}>{percent(match.probability)}</strong>
        )}
      </p>
      {extra && <p class="where quiet">{extra}</p>}
      {!plain && (
        <div class="marks">
          <button
            type="button" class="mark right" tabIndex={tab} aria-pressed={mark === "right"}
            aria-label={t("search.mark_right", { rank: match.rank })} title={t("search.right_hint")}
            onClick={() => setMark(match, "right")}
          >
            ✓
          </button>
          <button
            type="button" class="mark wrong" tabIndex={tab} aria-pressed={mark === "wrong"}
            aria-label={t("search.mark_wrong", { rank: match.rank })} title={t("search.wrong_hint")}
            onClick={() => setMark(match, "wrong")}
          >
            ✗
          </button>
          <input
            type="checkbox" tabIndex={tab} checked={chosen.value.has(keyOf(match))}
            aria-label={t("search.choose", { rank: match.rank })} title={t("search.choose_hint")}
            onChange={(event) => choose(match, event.currentTarget.checked)}
          />
        </div>
      )}
    </li>
  );
}
