// A list of matches that the arrow keys walk through.
import { useRef, useState } from "preact/hooks";
import { goTo } from "./acting";
import { Card } from "./Card";
import { keyOf } from "./model";
import { choose, chosen, setMark } from "./store";
import { highlighted } from "./highlight";
import type { Match } from "./types";

interface Props {
  label: string;
  matches: readonly Match[];
  dataset: string;
  plain?: boolean;
  extra?: (match: Match) => string;
}

// How far a key goes in a list that stands in columns.
function step(key: string, columns: number, count: number, at: number): number | null {
  const steps: Record<string, number> = {
    ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: count - 1,
  };
  const next = steps[key];
  return next === undefined ? null : Math.min(Math.max(next, 0), count - 1);
}

function columnsOf(list: HTMLElement): number {
  const [first, ...rest] = [...list.children] as HTMLElement[];
  if (first === undefined) return 1;
  const below = rest.findIndex((card) => card.offsetTop > first.offsetTop);
  return below < 0 ? rest.length + 1 : below + 1;
}

export function Cards({ label, matches, dataset, plain, extra }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const [at, setAt] = useState(0);
  const reachable = Math.min(at, matches.length - 1);
  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || list.current === null) return;
    const match = matches[reachable];
    const next = step(event.key, columnsOf(list.current), matches.length, reachable);
    if (next !== null) {
      list.current.children[next]?.querySelector<HTMLElement>("button.go")?.focus();
    } else if (plain || match === undefined) return;
    else if (event.key === "r") setMark(match, "right");
    else if (event.key === "w") setMark(match, "wrong");
    else if (event.key === "s") choose(match, !chosen.value.has(keyOf(match)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  return (
    <ol class="cards" aria-label={label} ref={list} onKeyDown={onKeyDown}>
      {matches.map((match, number) => (
        <Card
          key={keyOf(match)}
          match={match}
          other={match.dataset !== dataset}
          reachable={number === reachable}
          plain={plain}
          extra={extra?.(match)}
          onGo={goTo}
          onHover={(one) => {
            highlighted.value = one;
          }}
          onFocus={() => setAt(number)}
        />
      ))}
    </ol>
  );
}
