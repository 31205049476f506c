// Places where the next clicks would help most: each is the structure, or it is not.
import type { Dataset, Place } from "../../api/types";
import { t } from "../../i18n";
import { goTo } from "../search/acting";
import { pictureOf } from "../search/embeddings";
import { voxels } from "../search/format";
import { keyOf } from "../search/model";
import { add, state } from "../search/store";
import { result } from "./store";

function Suggestion({ place, dataset }: { place: Place; dataset: string }) {
  const example = { ...place, dataset };
  const where = voxels(place);
  return (
    <li class="thumbnail suggestion">
      <button type="button" class="picture" title={where} onClick={() => goTo(example)}>
        <img src={pictureOf(example)} alt="" width="72" height="72" />
        <span class="dot" aria-hidden="true" />
        <span class="hidden">{t("search.go_positives", { where })}</span>
      </button>
      <span class="marks">
        <button type="button" class="mark" aria-label={t("predict.right", { where })} onClick={() => add("positives", example)}>
          ✓
        </button>
        <button type="button" class="mark" aria-label={t("predict.wrong", { where })} onClick={() => add("negatives", example)}>
          ✗
        </button>
      </span>
    </li>
  );
}

export function Suggestions({ dataset }: { dataset: Dataset }) {
  const { positives, negatives } = state.value;
  const known = new Set([...positives, ...negatives].map(keyOf));
  const open = (result.value?.suggestions ?? []).filter((one) => !known.has(keyOf({ ...one, dataset: dataset.name })));
  if (open.length === 0) return null;
  return (
    <section class="suggestions" aria-labelledby="next-title">
      <div class="row next-head">
        <h2 id="next-title">{t("predict.next")}</h2>
        <span class="hint" title={t("predict.next_hint")}>{t("predict.next_question")}</span>
      </div>
      <ul class="thumbnails">
        {open.map((one) => <Suggestion key={`${one.z}/${one.y}/${one.x}`} place={one} dataset={dataset.name} />)}
      </ul>
    </section>
  );
}
