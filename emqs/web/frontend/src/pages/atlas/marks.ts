// Entries of the atlas as marks in the viewer.
import type { AtlasEntry, Dataset } from "../../api/types";
import { useViewing } from "../../viewer/Viewer";
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
  useViewing(dataset?.name, (handle) => {
    if (dataset !== null) handle.show(LAYER, COLOUR, entries.map((one) => shapeOf(one, dataset)));
    return undefined;
  }, [entries, dataset]);
  useViewing(dataset?.name, (handle) => () => handle.hide(LAYER), []);
}
