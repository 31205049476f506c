// The objects of the part that is predicted, the largest first.
import { count, t } from "../../i18n";
import type { Dataset } from "../../api/types";
import { Button, Empty } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { offer } from "../search/ExportMenu";
import { percent } from "../search/format";
import { byVolume, csvOf, type Thing } from "./model";
import { pointed } from "./pointed";
import { objects, result } from "./store";

const MOST_ROWS = 100;

function Row({ one }: { one: Thing }) {
  const point = (thing: Thing | null) => () => {
    pointed.value = thing;
  };
  const go = () => viewer.value?.go({ z: one.z + 0.5, y: one.y + 0.5, x: one.x + 0.5 });
  const place = [one.z, one.y, one.x].map((v) => Math.round(v * 10) / 10);
  const nm = [one.z_nm, one.y_nm, one.x_nm].map((v) => Math.round(v * 10) / 10).join(", ");
  return (
    <tr onMouseEnter={point(one)} onMouseLeave={point(null)} onFocusCapture={point(one)} onBlurCapture={point(null)}>
      <td>
        <button type="button" class="button quiet" aria-label={t("predict.go_object", { n: one.label })} onClick={go}>
          {one.label}
        </button>
      </td>
      <td title={`${nm} nm`}>{place.join("  ")}</td>
      <td class="number">{count(Math.round(one.volume_nm3))}</td>
      <td class="number">{percent(one.probability)}</td>
      <td>{t(one.touches_border ? "predict.yes" : "predict.no")}</td>
    </tr>
  );
}

export function Objects({ dataset }: { dataset: Dataset }) {
  const rows = byVolume(objects.value);
  const now = result.value;
  if (now === null) return null;
  return (
    <section aria-labelledby="objects-title">
      <div class="row spread">
        <h2 id="objects-title">{t("predict.objects")}</h2>
        <span class="row tight">
          <span class="quiet" role="status">
            {t("predict.n_objects", { n: count(rows.length) })}
            <span class="varying"> · {t("predict.took", { s: now.seconds.toFixed(2) })}</span>
          </span>
          <Button
            disabled={rows.length === 0}
            onClick={() => offer(`${dataset.name}-objects.csv`, "text/csv", csvOf(objects.value))}
          >
            {t("predict.csv")}
          </Button>
        </span>
      </div>
      {rows.length === 0 ? (
        <Empty>{t("predict.no_objects")}</Empty>
      ) : (
        <div class="scroll-x">
          <table class="objects">
            <thead>
              <tr>
                <th scope="col">{t("predict.number")}</th>
                <th scope="col">{t("predict.place")}</th>
                <th scope="col" class="number">{t("predict.volume")}</th>
                <th scope="col" class="number" title={t("predict.mean_hint")}>{t("predict.mean")}</th>
                <th scope="col" title={t("predict.border_hint")}>{t("predict.border")}</th>
              </tr>
            </thead>
            <tbody>{rows.slice(0, MOST_ROWS).map((one) => <Row key={one.label} one={one} />)}</tbody>
          </table>
          {rows.length > MOST_ROWS && <p class="hint">{t("predict.more_objects", { n: MOST_ROWS })}</p>}
        </div>
      )}
    </section>
  );
}
