// A box in nm: for each axis two sliders on one track, and two fields.
import { t } from "../../i18n";
import type { Region } from "./types";

const AXES = ["z", "y", "x"] as const;

interface Props {
  extent: Region;
  region: Region | null;
  onChange: (region: Region | null) => void;
}

function tidy(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function RegionSliders({ extent, region, onChange }: Props) {
  const shown = region ?? extent;
  function change(side: "start" | "stop", axis: number, text: string): void {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) return;
    const next: Region = { start: [...shown.start], stop: [...shown.stop] };
    next[side][axis] = value;
    const otherSide = side === "start" ? "stop" : "start";
    const turned = side === "start" ? value > (next.stop[axis] ?? 0) : value < (next.start[axis] ?? 0);
    if (turned) next[otherSide][axis] = value; // a box does not end before it begins
    onChange(JSON.stringify(next) === JSON.stringify(extent) ? null : next);
  }
  return (
    <div class="axes">
      {AXES.map((name, axis) => {
        const [low, high] = [extent.start[axis] ?? 0, extent.stop[axis] ?? 0];
        const field = (side: "start" | "stop") => (
          <input
            class="nm" type="number" step="any" value={tidy(shown[side][axis] ?? 0)}
            aria-label={t(`search.${side}_field`, { axis: name })}
            onChange={(event) => change(side, axis, event.currentTarget.value)}
          />
        );
        const slider = (side: "start" | "stop") => (
          <input
            type="range" min={String(low)} max={String(high)} step="any" value={String(shown[side][axis] ?? 0)}
            disabled={low === high} aria-label={t(`search.${side}_slider`, { axis: name })}
            aria-valuetext={`${tidy(shown[side][axis] ?? 0)} nm`}
            onChange={(event) => change(side, axis, event.currentTarget.value)}
          />
        );
        return (
          <div key={name} class="axis">
            <span aria-hidden="true">{name.toUpperCase()}</span>
            {field("start")}
            <span class="track">
              {slider("start")}
              {slider("stop")}
            </span>
            {field("stop")}
          </div>
        );
      })}
    </div>
  );
}
