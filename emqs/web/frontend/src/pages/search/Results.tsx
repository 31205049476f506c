// The matches, and what one does with them.
import { useEffect, useRef, useState } from "preact/hooks";
import { hasRole, type Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { Button, Message, Spinner } from "../../ui";
import { AnnotateDialog } from "./AnnotateDialog";
import { Cards } from "./Cards";
import { ExportMenu } from "./ExportMenu";
import { keyOf } from "./model";
import { SaveDialog } from "./SaveDialog";
import {
  busy, cancel, canSearch, chosen, clearMarks, failure, isStale, marks, more, refine, result, run, runSaved,
  sameStore, suggest, type Result,
} from "./store";

export function Trouble() {
  const now = failure.value;
  if (now === null) return null;
  return (
    <Message kind="error">
      {now.message}{" "}
      <Button onClick={now.retry}>{t("common.retry")}</Button>
    </Message>
  );
}

export function Working() {
  if (busy.value === null || busy.value === "more") return null;
  return (
    <div class="row working">
      <Spinner label={t(`search.busy_${busy.value}`)} />
      <Button onClick={cancel}>{t("common.cancel")}</Button>
    </div>
  );
}

function MarksBar() {
  const given = Object.values(marks.value);
  if (given.length === 0) return null;
  const right = given.filter((mark) => mark === "right").length;
  return (
    <div class="marks-bar" role="group" aria-label={t("search.marks")}>
      <span>
        <span class="positive">✓ {right}</span> {t("search.right")}, <span class="negative">✗ {given.length - right}</span>{" "}
        {t("search.wrong")}
      </span>
      <span class="row tight">
        <Button kind="primary" title={t("search.refine_hint")} onClick={() => void refine()}>
          {t("search.refine")}
        </Button>
        <Button kind="quiet" onClick={clearMarks}>{t("search.clear_marks")}</Button>
      </span>
    </div>
  );
}

// More matches when the end of the list comes into view, and a button for those who do not scroll.
function More({ now }: { now: Result }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (end.current === null || now.after === null) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting) && failure.value === null) void more();
    });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [now.after]);
  if (now.after === null) return <p class="hint">{now.saved === null && t("search.no_more")}</p>;
  return (
    <div ref={end} class="row">
      {busy.value === "more" ? <Spinner /> : <Button onClick={() => void more()}>{t("common.more")}</Button>}
    </div>
  );
}

function SavedBanner({ now, dataset }: { now: Result; dataset: Dataset }) {
  const { saved } = now;
  if (saved === null) return null;
  return (
    <div class="message info saved-banner">
      <strong>{saved.title || t("saved.untitled")}</strong>
      {saved.ran !== null && <span class="quiet"> {t("saved.ran", { when: new Date(saved.ran).toLocaleString() })}</span>}
      {saved.note && <p class="note">{saved.note}</p>}
      {sameStore.value === false && <p>{t("saved.other_store")}</p>}
      {now.dataset === dataset.name && (
        <Button onClick={() => void runSaved(saved, dataset.name)}>{t("saved.run")}</Button>
      )}
    </div>
  );
}

function Actions({ now, dataset }: { now: Result; dataset: Dataset }) {
  const [dialog, setDialog] = useState<"save" | "annotate" | null>(null);
  const may = hasRole(dataset, "annotator");
  const some = now.matches.length > 0;
  return (
    <div class="row tight actions">
      <Button title={t("search.suggest_hint")} disabled={!some} onClick={() => void suggest()}>{t("search.suggest")}</Button>
      <Button disabled={!some} onClick={() => setDialog("save")}>{t("search.save")}</Button>
      <Button
        disabled={!some || !may}
        title={may ? t("search.annotate_hint") : t("search.annotate_denied")}
        onClick={() => setDialog("annotate")}
      >
        {t("search.annotate")}
      </Button>
      <ExportMenu now={now} />
      {dialog === "save" && <SaveDialog now={now} onClose={() => setDialog(null)} />}
      {dialog === "annotate" && <AnnotateDialog now={now} dataset={dataset} onClose={() => setDialog(null)} />}
    </div>
  );
}

function Found({ now, dataset }: { now: Result; dataset: Dataset }) {
  const title = useRef<HTMLHeadingElement>(null);
  // who refines stands far below among the old matches, and would not see that there are new ones
  useEffect(() => title.current?.scrollIntoView({ block: "nearest" }), [now.seconds]);
  const number = t(now.after === null ? "search.n_matches" : "search.first_matches", { n: count(now.matches.length) });
  return (
    <>
      <div class="row spread">
        <h2 id="matches-title" ref={title}>{t("search.matches")}</h2>
        <span class="quiet" role="status">
          {number}
          {now.saved === null && ` · ${t("search.took", { s: now.seconds.toFixed(2) })}`}
          {chosen.value.size > 0 && ` · ${t("search.n_chosen", { n: chosen.value.size })}`}
        </span>
      </div>
      <SavedBanner now={now} dataset={dataset} />
      {isStale.value && (
        <p class="stale" role="status">
          {t("search.stale")}{" "}
          <Button disabled={!canSearch.value} onClick={() => void run()}>{t("search.again")}</Button>
        </p>
      )}
      <Actions now={now} dataset={dataset} />
      {now.suggestions !== null && now.suggestions.length > 0 && (
        <div class="suggestions">
          <h3>{t("search.suggestions")}</h3>
          <p class="hint">{t("search.suggestions_hint")}</p>
          <Cards label={t("search.suggestions")} matches={now.suggestions} dataset={dataset.name} />
        </div>
      )}
      {now.matches.length === 0 ? (
        <Message kind="info">{t("search.none")}</Message>
      ) : (
        <Cards key={keyOf(now.matches[0] as never)} label={t("search.matches")} matches={now.matches} dataset={dataset.name} />
      )}
      <More now={now} />
      <MarksBar />
    </>
  );
}

export function Results({ dataset }: { dataset: Dataset }) {
  const now = result.value;
  return (
    <section class="results" aria-labelledby="matches-title" aria-busy={busy.value === "search"}>
      {now !== null && <Found now={now} dataset={dataset} />}
    </section>
  );
}
