// Layers of a dataset: what there is to see and to search.
import { useState } from "preact/hooks";
import { dataset as path, request } from "../../api/client";
import type { Dataset, Layer } from "../../api/types";
import { t } from "../../i18n";
import { isAdmin, loadDatasets } from "../../session";
import { Button, Choice, Confirm, Field, Form, Heads, tell, Text } from "../../ui";
import { sizes } from "./numbers";

const KINDS = ["image", "segmentation", "embedding"] as const;

export function Layers({ dataset }: { dataset: Dataset }) {
  const [asked, setAsked] = useState<Layer | null>(null);
  return (
    <>
      <div class="scroll-x">
        <table aria-label={t("settings.layers")}>
          <Heads words={["layer.name", "layer.kind", "layer.version", "layer.source"]} actions />
          <tbody>
            {dataset.layers.map((layer) => (
              <tr key={layer.id}>
                <td>{layer.name} {layer.own && <span class="hint">{t("layer.own")}</span>}</td>
                <td>{t(`layer.${layer.kind}`)}</td>
                <td><code>{layer.version}</code></td>
                <td><code class="break">{layer.source}</code></td>
                <td>
                  <Button kind="danger" aria-label={t("layer.remove_one", { name: layer.name })}
                    onClick={() => setAsked(layer)}>
                    {t("common.remove")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isAdmin.value ? <AddLayer dataset={dataset} /> : <p class="hint">{t("layer.admins_add")}</p>}
      {asked && (
        <Confirm title={t("layer.remove_one", { name: asked.name })} action={t("common.remove")}
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            const layer = encodeURIComponent(asked.name);
            await request(`${path(dataset.name)}/layers/${layer}`, { method: "DELETE" });
            await loadDatasets();
          }}>
          <p>{t("layer.remove_about")}</p>
        </Confirm>
      )}
    </>
  );
}

function AddLayer({ dataset }: { dataset: Dataset }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<(typeof KINDS)[number]>("segmentation");
  const [source, setSource] = useState("");
  const [voxel, setVoxel] = useState("");
  const [level, setLevel] = useState("");
  const [inner, setInner] = useState("");
  async function send(): Promise<void> {
    const body = {
      name: name.trim(), kind, source: source.trim(),
      voxel_size_nm: voxel.trim() === "" ? null : sizes(voxel),
      level: level.trim() === "" ? null : Number(level),
      dataset: inner.trim() === "" ? null : inner.trim(),
    };
    await request(`${path(dataset.name)}/layers`, { body });
    await loadDatasets();
    tell(t("layer.added", { name: body.name }));
    setName("");
    setSource("");
  }
  return (
    <details>
      <summary>{t("layer.add")}</summary>
      <Form action={t("layer.add")} send={send} disabled={name.trim() === "" || source.trim() === ""}>
        <div class="field-columns">
          <Field label={t("layer.name")}>
            {(id) => <Text id={id} value={name} set={setName} maxLength={100} autocomplete="off" />}
          </Field>
          <Field label={t("layer.kind")}>
            {(id) => (
              <Choice id={id} value={kind} set={setKind} options={KINDS.map((one) => [one, t(`layer.${one}`)] as const)} />
            )}
          </Field>
        </div>
        <Field label={t("layer.source")} hint={t("dataset.volume_hint")}>
          {(id) => <Text id={id} value={source} set={setSource} autocomplete="off" />}
        </Field>
        {kind !== "embedding" && (
          <div class="field-columns">
            <Field label={t("dataset.voxel_zyx")} hint={t("dataset.voxel_hint")}>
              {(id) => <Text id={id} value={voxel} set={setVoxel} autocomplete="off" />}
            </Field>
            <Field label={t("dataset.level")} hint={t("dataset.level_hint")}>
              {(id) => <Text id={id} value={level} set={setLevel} autocomplete="off" />}
            </Field>
            <Field label={t("dataset.inner")} hint={t("dataset.inner_hint")}>
              {(id) => <Text id={id} value={inner} set={setInner} autocomplete="off" />}
            </Field>
          </div>
        )}
      </Form>
    </details>
  );
}
