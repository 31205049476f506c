// Entries of the atlas as marks in the viewer.
import { useEffect } from "preact/hooks";
import type { AtlasEntry, Dataset } from "../../api/types";
import { viewer } from "../../viewer/Viewer";
import type { Position, Shape } from "../../viewer/types";

const LAYER = "atlas";
const COLOUR = "#e69f00";

export function position([z, y, x]: readonly [number, number, number]): Position {
  return { z, y, x };
}

export function shapeOf(entry: AtlasEntry, dataset: Dataset): Shape {
  const common = { id: entry.id, text: entry.title };
  const [first, last] = [entry.content.points[0], entry.content.points[entry.content.points.length - 1]];
  switch (entry.kind) {
    case "line":
    case "box":
      return { ...common, kind: entry.kind, from: position(first), to: position(last) };
    case "sphere": {
      const nm = entry.content.radius_nm ?? 0;
      const [z, y, x] = dataset.voxel_size_nm;
      return { ...common, kind: "sphere", at: position(first), radii: { z: nm / z, y: nm / y, x: nm / x } };
    }
    case "point":
      return { ...common, kind: "point", at: position(first) };
  }
}

export function useMarks(entries: readonly AtlasEntry[], dataset: Dataset | null): void {
  const handle = dataset === null ? null : viewer.value;
  useEffect(() => {
    if (handle !== null && dataset !== null) handle.show(LAYER, COLOUR, entries.map((one) => shapeOf(one, dataset)));
  }, [handle, entries, dataset]);
  useEffect(() => () => handle?.hide(LAYER), [handle]);
}
