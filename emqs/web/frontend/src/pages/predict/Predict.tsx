// The page of predictions: from the examples of the search to a probability in view, objects, the whole volume.
import { useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { Button, Message, Spinner } from "../../ui";
import "../../styles/search.css";
import "../../styles/predict.css";
import { standing } from "../../viewer/Viewer";
import { CopyLink } from "../search/CopyLink";
import { Examples } from "../search/Examples";
import { HelpDialog } from "../search/HelpDialog";
import { NotSearchable } from "../search/NotSearchable";
import { useAddress as useSearchAddress, useKeys, useViewer } from "../search/useSearch";
import { OWN_THRESHOLD, partInView } from "./model";
import { Objects } from "./Objects";
import { Suggestions } from "./Suggestions";
import { Whole } from "./Whole";
import {
  busy, cancel, close, examples, failure, isStale, live, most, nElsewhere, part, result, run, runIn, setLive, threshold,
} from "./store";
import { useAddress, useAsking, useOverlay } from "./usePredict";

function predictHere(dataset: Dataset): Promise<void> {
  return runIn(async (signal) => {
    const handle = await standing(signal);
    return partInView(handle.inView(), handle.centre(), dataset, most.value);
  });
}

function Threshold() {
  const percent = Math.round(threshold.value * 100);
  return (
    <div class="threshold">
      <label for="threshold" title={t("predict.threshold_hint")}>{t("predict.threshold")}</label>
      <input
        id="threshold" type="range" min="1" max="99" step="1" value={percent} aria-describedby="threshold-hint"
        aria-valuetext={`${percent} %`}
        onInput={(event) => {
          threshold.value = Number(event.currentTarget.value) / 100;
        }}
      />
      <output for="threshold">{percent} %</output>
      <Button
        kind="quiet" disabled={threshold.value === OWN_THRESHOLD} title={t("predict.own_threshold_hint")}
        onClick={() => {
          threshold.value = OWN_THRESHOLD;
        }}
      >
        {t("predict.own_threshold")}
      </Button>
      <span class="hidden" id="threshold-hint">{t("predict.threshold_hint")}</span>
    </div>
  );
}

function State() {
  const now = part.value;
  if (failure.value !== null) {
    return (
      <Message kind="error">
        {failure.value.message} <Button onClick={failure.value.retry}>{t("common.retry")}</Button>
      </Message>
    );
  }
  return (
    <>
      {now?.cut && (
        <p class="hint">
          {t("predict.cut", { y: count(now.stop[1] - now.start[1]), x: count(now.stop[2] - now.start[2]) })}
        </p>
      )}
      {nElsewhere.value > 0 && <p class="hint">{t("predict.elsewhere", { n: nElsewhere.value })}</p>}
      {isStale.value && !live.value && (
        <p class="stale" role="status">
          {t("predict.stale")} <Button onClick={() => void run()}>{t("predict.again")}</Button>
        </p>
      )}
      {busy.value && (
        <div class="row working">
          <Spinner label={t("predict.busy")} />
          <Button onClick={cancel}>{t("common.cancel")}</Button>
          {result.value === null && <span class="hint">{t("predict.first")}</span>}
        </div>
      )}
    </>
  );
}

function Open({ dataset, help }: { dataset: Dataset; help: () => void }) {
  useSearchAddress(dataset);
  useViewer(dataset, { matches: false });
  useAddress(dataset);
  useAsking(dataset);
  useOverlay(dataset);
  useKeys(dataset, help, () => predictHere(dataset), null);
  const ready = examples.value.positives.length > 0;
  return (
    <>
      <Examples dataset={dataset} />
      <div class="row search-row">
        <Button
          kind="primary" disabled={!ready}
          title={ready ? t("predict.here_hint") : t("predict.needs_positive")}
          onClick={() => void predictHere(dataset)}
        >
          {t("predict.here")}
        </Button>
        <label class="check" title={t("predict.live_hint")}>
          <input type="checkbox" checked={live.value} onChange={(event) => setLive(event.currentTarget.checked)} />
          {t("predict.live")}
        </label>
        {part.value !== null && (
          <Button kind="quiet" aria-label={t("predict.close")} title={t("predict.close")} onClick={close}>
            {t("predict.close_short")}
          </Button>
        )}
      </div>
      <State />
      {result.value !== null && <Threshold />}
      <Suggestions dataset={dataset} />
      <Objects dataset={dataset} />
      <Whole dataset={dataset} />
    </>
  );
}

export function Predict({ dataset }: { dataset: Dataset }) {
  const [help, setHelp] = useState(false);
  return (
    <div class="search-page predict-page">
      <div class="row spread top-row">
        <h1>{t("nav.predict")}</h1>
        <span class="row tight">
          <CopyLink dataset={dataset} />
          <Button kind="quiet" icon="?" label={t("help.title")} onClick={() => setHelp(true)} />
        </span>
      </div>
      {dataset.searchable ? <Open dataset={dataset} help={() => setHelp(true)} /> : <NotSearchable dataset={dataset} />}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}
