// The examples: pictures of what is compared, each with its sign, colour and a button to remove it.
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { tell, Button } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { goTo, pointAt } from "./acting";
import { embeddings, pictureOf } from "./embeddings";
import { voxels } from "./format";
import { keyOf, patchOf } from "./model";
import { add, canUndo, clear, remove, state, undo } from "./store";
import type { Example, Kind } from "./types";

export const SIGNS: Record<Kind, string> = { positives: "+", negatives: "−" };

function Thumbnail({ kind, example }: { kind: Kind; example: Example }) {
  const embedding = embeddings.value[example.dataset];
  const patch = embedding === undefined ? example : patchOf(example, embedding);
  const where = voxels(example);
  const edge = embedding?.patch ?? 1;
  const dot = {
    left: `${50 + (100 * (example.x - patch.x)) / edge}%`,
    top: `${50 + (100 * (example.y - patch.y)) / edge}%`,
  };
  return (
    <li class={`thumbnail ${kind}`}>
      <button type="button" class="picture" title={where} onClick={() => goTo(example)}>
        <img src={pictureOf({ ...patch, dataset: example.dataset })} alt="" width="72" height="72" />
        <span class="dot" style={dot} aria-hidden="true" />
        <span class="sign" aria-hidden="true">{SIGNS[kind]}</span>
        <span class="hidden">{t(`search.go_${kind}`, { where })}</span>
      </button>
      <Button
        kind="quiet"
        class="remove"
        icon="×"
        label={t("search.remove_example", { where })}
        onClick={() => remove(kind, example)}
      />
    </li>
  );
}

function Group({ kind, dataset }: { kind: Kind; dataset: Dataset }) {
  const examples = state.value[kind];
  return (
    <div class={`examples ${kind}`}>
      <h3>
        <span class="sign" aria-hidden="true">{SIGNS[kind]}</span> {t(`search.${kind}`)}{" "}
        {examples.length > 0 && <span class="quiet">({examples.length})</span>}
      </h3>
      <ul class="thumbnails" aria-label={t(`search.${kind}`)}>
        {examples.map((one) => (
          <Thumbnail key={keyOf(one)} kind={kind} example={one} />
        ))}
        <li>
          <button
            type="button"
            class="button add"
            title={t(`search.add_hint_${kind}`)}
            disabled={viewer.value === null}
            onClick={() => addAt(kind, dataset)}
          >
            <span aria-hidden="true">{SIGNS[kind]}</span>
            <span>{t("search.at_centre")}</span>
            <span class="hidden">{t(`search.add_${kind}`)}</span>
          </button>
        </li>
      </ul>
    </div>
  );
}

export function addAt(kind: Kind, dataset: Dataset, under = false): void {
  const place = pointAt(dataset, under);
  if (place === null) tell(t("search.outside_volume"));
  else add(kind, place);
}

// What to do first, for who comes here for the first time.
function How() {
  return (
    <div class="how">
      <p>
        <kbd>Alt</kbd> + {t("search.click")} {t("search.how_positive")}
      </p>
      <p>
        <kbd>Alt</kbd> + <kbd>{t("search.shift")}</kbd> + {t("search.click")} {t("search.how_negative")}
      </p>
      <p class="hint">{t("search.how_else")}</p>
    </div>
  );
}

export function Examples({ dataset }: { dataset: Dataset }) {
  const { positives, negatives } = state.value;
  const some = positives.length + negatives.length > 0;
  return (
    <section aria-labelledby="examples-title">
      <div class="row spread">
        <h2 id="examples-title">{t("search.examples")}</h2>
        <span class="row tight">
          <Button kind="quiet" disabled={!canUndo.value} title={t("search.undo_hint")} onClick={undo}>
            {t("search.undo")}
          </Button>
          <Button kind="quiet" disabled={!some} onClick={clear}>
            {t("search.clear")}
          </Button>
        </span>
      </div>
      {!some && <How />}
      <Group kind="positives" dataset={dataset} />
      <Group kind="negatives" dataset={dataset} />
    </section>
  );
}
