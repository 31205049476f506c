// Links with which other programs read the dataset: made, told once, withdrawn.
import { useEffect, useState } from "preact/hooks";
import { dataset as pathOf, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { Button, Field, Message, Spinner, tell, tellError } from "../../ui";
import { when } from "./format";

interface Link {
  id: string;
  name: string;
  layer: string | null;
  expires: number; // seconds since 1970
}

interface Made {
  token: string;
  expires: number;
}

export function Links({ dataset }: { dataset: Dataset }) {
  const [links, setLinks] = useState<Link[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const path = `${pathOf(dataset.name)}/links`;
  async function load(): Promise<void> {
    try {
      setLinks((await request<{ links: Link[] }>(path)).links);
      setError(null);
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  useEffect(() => void load(), [path]);
  async function withdraw(link: Link): Promise<void> {
    try {
      await request(`${path}/${link.id}`, { method: "DELETE" });
      tell(t("layers.link_withdrawn"));
      await load();
    } catch (reason) {
      tellError(reason);
    }
  }
  return (
    <section aria-label={t("layers.links")}>
      <h2>{t("layers.links")}</h2>
      <p class="hint">{t("layers.links_hint")}</p>
      <NewLink dataset={dataset} path={path} onDone={() => void load()} />
      {error && <Message kind="error">{error} <Button onClick={() => void load()}>{t("common.retry")}</Button></Message>}
      {links === null && !error && <Spinner />}
      <ul class="groups">
        {links?.map((link) => (
          <li key={link.id}>
            <span>
              {link.name || t("layers.unnamed_link")}: {link.layer ?? t("layers.all_layers")}{" "}
              <span class="hint">{t("layers.until", { when: when(new Date(1000 * link.expires).toISOString()) })}</span>
            </span>
            <Button kind="danger" aria-label={t("layers.withdraw_link", { name: link.name || t("layers.unnamed_link") })}
              onClick={() => void withdraw(link)}>
              {t("annotate.withdraw")}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NewLink({ dataset, path, onDone }: { dataset: Dataset; path: string; onDone: () => void }) {
  const [name, setName] = useState("");
  const [layer, setLayer] = useState("");
  const [days, setDays] = useState(30);
  const [made, setMade] = useState<Made | null>(null);
  const [error, setError] = useState<string | null>(null);
  const layers = dataset.layers.filter((one) => one.kind === "image" || one.kind === "segmentation");
  const readable = layer === "" ? layers.filter((one) => !one.own) : layers.filter((one) => one.name === layer);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    try {
      setMade(await request<Made>(path, { body: { name, layer: layer || null, days } }));
      setError(null);
      onDone();
    } catch (reason) {
      setError((reason as Error).message);
    }
  }
  return (
    <form onSubmit={submit}>
      <Field label={t("layers.link_for")}>
        {(id) => <input id={id} value={name} maxLength={200} onInput={(e) => setName(e.currentTarget.value)} />}
      </Field>
      <div class="two">
        <Field label={t("segments.layer")}>
          {(id) => (
            <select id={id} value={layer} onChange={(e) => setLayer(e.currentTarget.value)}>
              <option value="">{t("layers.all_layers")}</option>
              {layers.map((one) => <option key={one.name}>{one.name}</option>)}
            </select>
          )}
        </Field>
        <Field label={t("layers.days")}>
          {(id) => (
            <input id={id} type="number" min={1} max={366} value={days}
              onInput={(e) => setDays(Number(e.currentTarget.value))} />
          )}
        </Field>
      </div>
      {error && <Message kind="error">{error}</Message>}
      <Button type="submit" disabled={!(days > 0)}>{t("layers.link_make")}</Button>
      {made && (
        <div class="message info" role="status">
          <p>{t("layers.link_once")}</p>
          <ul class="tokens">
            {readable.map((one) => (
              <li key={one.name}>
                {one.name}: <code>{address(one.name, one.version, made.token)}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
    </form>
  );
}

function address(layer: string, version: number | string, token: string): string {
  return `precomputed://${location.origin}/api/v1/links/${token}/data/${layer}/${version}/precomputed/raw`;
}
