// The groups of segments that a pull request makes one of, shown in the viewer in colours.
import { useRef, useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address } from "../../router";
import { Button, tellError } from "../../ui";
import { useViewing, viewer } from "../../viewer/Viewer";
import { coloursOf, type Group } from "./groups";

interface Props {
  dataset: Dataset;
  layer: string | null;
  groups: readonly Group[];
  overlaps: Readonly<Record<string, string>>; // segment: another request that merged it since
}

const MOST_SHOWN = 200; // segments of a group in the list

const AGAIN_MS = 200; // a layer that is being loaded has no segments yet
const MOST_TRIES = 150;

// Show the segments of groups, or of one alone, in their colours; afterwards what was shown before.
function useShown(dataset: string, layer: string | null, groups: readonly Group[], only: string | null): void {
  const before = useRef<{ segments: string[]; visible: boolean } | null>(null);
  useViewing(dataset, (handle) => {
    if (layer === null) return undefined;
    return () => {
      if (before.current === null) return;
      handle.select(layer, before.current.segments);
      handle.setVisible(layer, before.current.visible);
      handle.colour(layer, {});
      before.current = null;
    };
  }, [layer]);
  useViewing(dataset, (handle) => {
    if (layer === null || groups.length === 0) return undefined;
    const shown = only === null ? groups : groups.filter((group) => group.name === only);
    const segments = shown.flatMap((group) => group.members);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (tries: number) => {
      const there = handle.layers().find((one) => one.name === layer);
      if (there !== undefined) {
        before.current ??= { segments: handle.segments(layer), visible: there.visible };
        handle.setVisible(layer, true);
        handle.colour(layer, coloursOf(groups));
        handle.select(layer, segments);
        if (handle.segments(layer).length === segments.length) return;
      }
      if (tries > 0) timer = setTimeout(() => show(tries - 1), AGAIN_MS);
    };
    show(MOST_TRIES);
    return () => clearTimeout(timer);
  }, [layer, groups, only]);
}

export function Merges({ dataset, layer, groups, overlaps }: Props) {
  const [only, setOnly] = useState<string | null>(null);
  const handle = viewer.value;
  useShown(dataset.name, layer, groups, only);
  async function visit(segment: string, beside: string): Promise<void> {
    if (handle === null || layer === null) return;
    const root = `${path(dataset.name)}/layers/${encodeURIComponent(layer)}/segments`;
    const query = { segment, beside };
    const { places } = await request<{ places: Record<string, [number, number, number] | null> }>(root, { query });
    const place = places[segment];
    if (place === null || place === undefined) throw new Error(t("pull.no_place", { segment }));
    handle.go({ z: place[0], y: place[1], x: place[2] });
  }
  const other = (segment: string) =>
    overlaps[segment] === undefined ? null : address("d", dataset.name, "reviews", overlaps[segment]);
  return (
    <section aria-label={t("pull.merges")}>
      <div class="row">
        <h2 class="grow">{t("pull.merges")}</h2>
        {only !== null && <Button onClick={() => setOnly(null)}>{t("pull.show_all")}</Button>}
      </div>
      <ol class="line-list group-list">
        {groups.map((group) => (
          <li key={group.name}>
            <div class="row">
              <span class="colour-swatch" style={{ background: group.colour }} aria-hidden="true" />
              <b class="grow">{t("pull.becomes", { n: group.members.length, name: group.name })}</b>
              <Button aria-pressed={only === group.name} onClick={() => setOnly(only === group.name ? null : group.name)}
                aria-label={t("pull.show_one", { name: group.name })}>
                {t("pull.show")}
              </Button>
            </div>
            <p class="segment-list">
              {group.members.slice(0, MOST_SHOWN).map((segment) => (
                <Segment key={segment} segment={segment} other={other(segment)}
                  go={() => void visit(segment, group.name).catch(tellError)} />
              ))}
              {group.members.length > MOST_SHOWN && "…"}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

interface SegmentProps {
  segment: string;
  other: string | null; // where another request is that merged it since
  go: () => void;
}

function Segment({ segment, other, go }: SegmentProps) {
  return (
    <span class={`segment ${other === null ? "" : "conflict"}`}>
      <Button kind="quiet" onClick={go} aria-label={t("pull.visit", { segment })}>
        {segment}
      </Button>
      {other !== null && (
        <a href={other} title={t("pull.touched")}>
          <span aria-hidden="true">⚠</span>
          <span class="hidden">{t("pull.touched")}</span>
        </a>
      )}
    </span>
  );
}
