// Links that open the data of a dataset to other programs.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset, Layer } from "../../api/types";
import { t } from "../../i18n";
import { Button, Choice, Confirm, Copy, Empty, Field, Form, Message, Text, Time, useLoaded, Waiting } from "../../ui";

interface DataLink {
  id: string;
  name: string;
  layer: string | null;
  user: string;
  created: number;
  expires: number;
}

interface Made {
  token: string;
  path: string;
  layer: string | null;
}

const DAYS = ["1", "7", "30", "90", "366"] as const;

export function Links({ dataset }: { dataset: Dataset }) {
  const root = `${path(dataset.name)}/links`;
  const links = useLoaded(async () => (await request<{ links: DataLink[] }>(root)).links, [root]);
  const [made, setMade] = useState<Made | null>(null);
  const [asked, setAsked] = useState<DataLink | null>(null);
  return (
    <>
      <p class="hint">{t("link.about")}</p>
      {made !== null && (
        <Message kind="info">
          <Copy label={t("link.made")} text={location.origin + made.path} hint={t("link.once")} />
          <ul class="tokens">
            {readable(dataset)
              .filter((one) => (made.layer === null ? !one.own : one.name === made.layer))
              .map((one) => (
                <li key={one.name}>
                  {one.name}: <code>{address(one, made.token)}</code>
                </li>
              ))}
          </ul>
        </Message>
      )}
      {links.value === undefined && <Waiting error={links.error} retry={links.reload} />}
      {links.value?.length === 0 && <Empty>{t("link.none")}</Empty>}
      <ul class="line-list">
        {links.value?.map((link) => (
          <li key={link.id} class="row">
            <span class="grow">
              <b>{link.name || t("link.no_name")}</b> · {link.layer ?? t("link.all_layers")}{" "}
              <span class="hint">
                {t("link.by", { name: link.user })} <Time time={link.created} /> · {t("link.ends")}{" "}
                <Time time={link.expires} />
              </span>
            </span>
            <Button kind="danger" aria-label={t("link.withdraw_one", { name: link.name })} onClick={() => setAsked(link)}>
              {t("token.withdraw")}
            </Button>
          </li>
        ))}
      </ul>
      <NewLink dataset={dataset} onMade={(link) => {
        setMade(link);
        void links.reload();
      }} />
      {asked && (
        <Confirm title={t("link.withdraw_one", { name: asked.name })} action={t("token.withdraw")}
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await request(`${root}/${asked.id}`, { method: "DELETE" });
            await links.reload();
          }}>
          <p>{t("link.withdraw_about")}</p>
        </Confirm>
      )}
    </>
  );
}

function readable(dataset: Dataset): Layer[] {
  return dataset.layers.filter((one) => one.kind === "image" || one.kind === "segmentation");
}

// What neuroglancer and its like call a layer.
function address(layer: Layer, token: string): string {
  return `precomputed://${location.origin}/api/v1/links/${token}/data/${layer.name}/${layer.version}/precomputed/raw`;
}

function NewLink({ dataset, onMade }: { dataset: Dataset; onMade: (link: Made) => void }) {
  const [name, setName] = useState("");
  const [layer, setLayer] = useState("");
  const [days, setDays] = useState<(typeof DAYS)[number]>("30");
  const shown = readable(dataset);
  async function send(): Promise<void> {
    const body = { name: name.trim(), layer: layer === "" ? null : layer, days: Number(days) };
    const link = await request<{ token: string; path: string }>(`${path(dataset.name)}/links`, { body });
    setName("");
    onMade({ ...link, layer: body.layer });
  }
  return (
    <Form action={t("link.make")} send={send} disabled={name.trim() === ""} class="narrow-column box">
      <h2>{t("link.make")}</h2>
      <div class="field-columns">
        <Field label={t("link.name")}>
          {(id) => <Text id={id} value={name} set={setName} maxLength={200} autocomplete="off" />}
        </Field>
        <Field label={t("link.layer")}>
          {(id) => (
            <Choice id={id} value={layer} set={setLayer}
              options={[["", t("link.all_layers")], ...shown.map((one) => [one.name, one.name] as const)]} />
          )}
        </Field>
        <Field label={t("token.days")}>
          {(id) => (
            <Choice id={id} value={days} set={setDays} options={DAYS.map((n) => [n, t("token.n_days", { n })] as const)} />
          )}
        </Field>
      </div>
    </Form>
  );
}
