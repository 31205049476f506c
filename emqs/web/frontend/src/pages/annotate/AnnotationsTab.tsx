// Tools, the table, and what can be done with all of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n";
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
    const forget = handle.onPick((layer, id) => {
      const own = /^\d+$/.test(id) && layer !== t("annotate.layer_newest");
      if (own) store.numbered(id).then((row) => store.look(row.id)).catch(() => {}); // not one of ours
      else if (layer === t("annotate.layer_newest")) store.look(id);
    });
    return () => {
      forget();
      handle.hide(t("annotate.layer_drawing"));
    };
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
