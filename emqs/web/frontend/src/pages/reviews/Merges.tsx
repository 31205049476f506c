// The groups of segments that a pull request makes one of, shown in the viewer in colours.
import { useEffect, useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { Button } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { coloursOf, type Group } from "./groups";

interface Props {
  dataset: Dataset;
  layer: string | null;
  groups: readonly Group[];
  overlaps: Readonly<Record<string, string>>; // segment: another request that merged it since
}

const MOST_SHOWN = 200; // segments of a group in the list

export function Merges({ dataset, layer, groups, overlaps }: Props) {
  const [only, setOnly] = useState<string | null>(null);
  const handle = viewer.value;
  useEffect(() => {
    if (handle === null || layer === null || groups.length === 0) return;
    const before = handle.segments(layer);
    return () => {
      handle.select(layer, before);
      handle.colour(layer, {});
    };
  }, [handle, layer, groups]);
  useEffect(() => {
    if (handle === null || layer === null || groups.length === 0) return;
    const shown = only === null ? groups : groups.filter((group) => group.name === only);
    handle.colour(layer, coloursOf(groups));
    handle.select(layer, shown.flatMap((group) => group.members));
  }, [handle, layer, groups, only]);
  return (
    <section aria-label={t("pull.merges")}>
      <div class="row">
        <h2 class="grow">{t("pull.merges")}</h2>
        {only !== null && <Button onClick={() => setOnly(null)}>{t("pull.show_all")}</Button>}
      </div>
      <ol class="lines groups">
        {groups.map((group) => (
          <li key={group.name}>
            <div class="row">
              <span class="swatch" style={{ background: group.colour }} aria-hidden="true" />
              <b class="grow">{t("pull.becomes", { n: group.members.length, name: group.name })}</b>
              <Button aria-pressed={only === group.name} onClick={() => setOnly(only === group.name ? null : group.name)}
                aria-label={t("pull.show_one", { name: group.name })}>
                {t("pull.show")}
              </Button>
            </div>
            <p class="segments">
              {group.members.slice(0, MOST_SHOWN).map((segment) => (
                <Segment key={segment} dataset={dataset} segment={segment} other={overlaps[segment]} />
              ))}
              {group.members.length > MOST_SHOWN && "…"}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Segment({ dataset, segment, other }: { dataset: Dataset; segment: string; other: string | undefined }) {
  if (other === undefined) return <code class="segment">{segment}</code>;
  return (
    <a class="segment conflict" href={address("d", dataset.name, "reviews", other)} title={t("pull.touched")}>
      <span aria-hidden="true">⚠</span> <code>{segment}</code>
      <span class="hidden">{t("pull.touched")}</span>
    </a>
  );
}
