// Connections of the selected bodies, from neuPrint, if the dataset has one.
import { useEffect, useState } from "preact/hooks";
import { dataset as pathOf, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { Button, Message, Spinner } from "../../ui";
import type { Segments } from "./segments";

interface Partner {
  from: string;
  from_type: string | null;
  from_instance: string | null;
  to: string;
  to_type: string | null;
  to_instance: string | null;
  weight: number;
}

interface Answer {
  inputs: Partner[];
  outputs: Partner[];
  links: Record<string, string>;
}

const MOST_BODIES = 100;

export function Connections({ dataset, segments }: { dataset: Dataset; segments: Segments }) {
  const [server, setServer] = useState<string | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const path = `${pathOf(dataset.name)}/neuprint`;
  useEffect(() => {
    request<{ server: string | null }>(path).then((known) => setServer(known.server)).catch(() => setServer(null));
  }, [path]);
  const bodies = segments.selected.value;
  useEffect(() => setAnswer(null), [bodies]);
  if (server === null) return null;
  async function ask(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      setAnswer(await request<Answer>(`${path}/bodies`, { query: { body: bodies.slice(0, MOST_BODIES), limit: 100 } }));
    } catch (reason) {
      setError((reason as Error).message);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section aria-label={t("segments.connections")}>
      <h2>{t("segments.connections")}</h2>
      <Button disabled={bodies.length === 0 || busy} onClick={() => void ask()}>
        {t("segments.connections_ask")}
      </Button>
      {bodies.length === 0 && <p class="hint">{t("segments.none_selected")}</p>}
      {busy && <Spinner />}
      {error && <Message kind="error">{error}</Message>}
      {answer && (
        <>
          <p class="row">
            {Object.entries(answer.links).map(([body, link]) => (
              <a key={body} href={link} target="_blank" rel="noreferrer">{t("segments.in_neuprint", { body })}</a>
            ))}
          </p>
          <Partners title={t("segments.inputs")} rows={answer.inputs} side="from" />
          <Partners title={t("segments.outputs")} rows={answer.outputs} side="to" />
        </>
      )}
    </section>
  );
}

function Partners({ title, rows, side }: { title: string; rows: Partner[]; side: "from" | "to" }) {
  const other = side === "from" ? "to" : "from";
  return (
    <>
      <h3>{title}</h3>
      {rows.length === 0 ? <p class="hint">{t("segments.no_partners")}</p> : (
        <div class="table" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("segments.body")}</th>
                <th scope="col">{t("segments.partner")}</th>
                <th scope="col">{t("segments.type")}</th>
                <th scope="col" class="number">{t("segments.weight")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.from} ${row.to}`}>
                  <td>{row[other]}</td>
                  <td>{row[side]}</td>
                  <td>{row[`${side}_type`] ?? row[`${side}_instance`] ?? "–"}</td>
                  <td class="number">{count(row.weight)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
