// Tools, the table, and what can be done with all of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { tellError } from "../../ui";
import { viewer } from "../../viewer/Viewer";
import { Bar } from "./Bar";
import { makeDrawing } from "./drawing";
import { middle, type Row } from "./model";
import { defaults } from "./settings";
import { showChosen } from "./shown";
import type { Store } from "./store";
import { Table } from "./Table";
import { Tools } from "./Tools";
import { Whose } from "./Whose";

// The annotation that is looked at: of the table, or asked for by its id.
export function useCurrent(store: Store): Row | null {
  const id = store.current.value;
  const listed = [...(store.newest.value ?? []), ...(store.rows.value ?? [])].find((row) => row.id === id);
  const [other, setOther] = useState<Row | null>(null);
  useEffect(() => {
    setOther(null);
    if (id === null || listed !== undefined || store.rows.value === null) return;
    store.one(id).then(setOther).catch(() => store.look(null));
  }, [id, listed === undefined, store.rows.value === null]);
  if (id === null) return null;
  return listed ?? (other?.id === id ? other : null);
}

export function AnnotationsTab({ store }: { store: Store }) {
  const handle = viewer.value;
  const drawing = useMemo(
    () => makeDrawing(store.size, (geometry) => {
      store.create({ ...geometry, ...defaults.peek() }).catch(tellError);
    }),
    [store],
  );
  const current = useCurrent(store);
  useEffect(() => {
    if (handle !== null) showChosen(store, handle, current);
  }, [handle, current]);
  useEffect(() => {
    if (handle === null) return;
    return handle.onPick((layer, id) => {
      const newest = store.newest.peek().find((row) => row.id === id);
      if (newest !== undefined) store.look(id);
      else if (/^\d+$/.test(id) && store.layers.has(layer)) {
        store.numbered(id).then((row) => store.look(row.id)).catch(tellError);
      }
    });
  }, [handle, store]);
  return (
    <>
      {store.mayWrite && <Tools drawing={drawing} store={store} />}
      <Whose store={store} />
      <Bar store={store} />
      <Table store={store} current={current} />
    </>
  );
}

export function goTo(row: Row): void {
  viewer.peek()?.go(middle(row.points));
}
