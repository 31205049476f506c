// A form for a new job, made from what the server says of each kind.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { ROLES, type Dataset } from "../../api/types";
import { t, type Word } from "../../i18n";
import { strings } from "../../i18n/strings";
import { Check, Choice, Field, Form, Text, tell, useLoaded, Waiting } from "../../ui";
import { kindName } from "./JobList";
import { fieldsOf, valueOf, type Schema, type SettingField } from "./schema";

interface Kind {
  role: string;
  settings: Schema;
}

// Kinds whose settings are made on another page.
const ELSEWHERE = ["predict"];

interface Props {
  dataset: Dataset | null; // null: kinds that belong to no dataset
  onQueued: () => Promise<void>;
  first?: string; // the kind that is offered first
}

export function NewJob({ dataset, onQueued, first }: Props) {
  const kinds = useLoaded(() => request<Record<string, Kind>>("/jobs/kinds"), []);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  if (kinds.value === undefined) return <Waiting error={kinds.error} retry={kinds.reload} />;
  const offered = Object.keys(kinds.value).filter((name) => {
    const { role } = kinds.value?.[name] ?? { role: "admin" };
    if (ELSEWHERE.includes(name)) return false;
    if (dataset === null) return role === "admin";
    return dataset.role !== null && ROLES.findIndex((one) => one === role) >= 0;
  });
  const kind = chosen ?? (first !== undefined && offered.includes(first) ? first : offered[0]);
  if (kind === undefined) return null;
  return (
    <div class="box narrow-column">
      <h2>{t("job.new")}</h2>
      <Field label={t("job.kind")}>
        {(id) => (
          <Choice id={id} value={kind} set={setChosen} options={offered.map((name) => [name, kindName(name)] as const)} />
        )}
      </Field>
      <p class="hint">{hint(`job.${kind}_about`) ?? kinds.value[kind].settings.description}</p>
      <Settings key={kind} kind={kind} schema={kinds.value[kind].settings} dataset={dataset} onQueued={onQueued} />
    </div>
  );
}

function hint(word: string): string | undefined {
  return word in strings ? t(word as Word) : undefined;
}

interface SettingsProps extends Props {
  kind: string;
  schema: Schema;
}

// Fields that most people leave as they are.
const RARE = ["scale", "batch_size", "step_z_nm", "padding", "intensity", "weights", "align", "contrast"];

function Settings({ kind, schema, dataset, onQueued }: SettingsProps) {
  const fields = fieldsOf(schema);
  const [typed, setTyped] = useState<Record<string, string>>(() => initial(kind, fields, dataset));
  async function send(): Promise<void> {
    const settings: Record<string, unknown> = {};
    for (const field of fields) {
      const value = valueOf(field, typed[field.name] ?? "");
      if (value !== undefined) settings[field.name] = value;
    }
    const path = dataset === null ? "/jobs" : `/datasets/${encodeURIComponent(dataset.name)}/jobs`;
    await request(path, { body: { kind, settings } });
    tell(t("job.queued", { name: kindName(kind) }));
    await onQueued();
  }
  const show = (field: SettingField) => (
    <Setting key={field.name} kind={kind} field={field} dataset={dataset} value={typed[field.name] ?? ""}
      set={(text) => setTyped((before) => ({ ...before, [field.name]: text }))} />
  );
  const rare = fields.filter((field) => RARE.includes(field.name));
  return (
    <Form action={t("job.start")} send={send}>
      <div class="field-columns">{fields.filter((field) => !RARE.includes(field.name)).map(show)}</div>
      {rare.length > 0 && (
        <details>
          <summary>{t("job.rare")}</summary>
          <div class="field-columns">{rare.map(show)}</div>
        </details>
      )}
    </Form>
  );
}

// Which layers a field may name; null: it names none.
function layersFor(kind: string, field: string, dataset: Dataset | null): string[] | null {
  if (dataset === null || (field !== "layer" && field !== "segments")) return null;
  const wants: Record<string, readonly string[]> = {
    embed: ["image"], export: ["embedding"], places: ["embedding"], "label-apply": ["segmentation"],
  };
  const kinds = field === "segments" ? ["segmentation"] : (wants[kind] ?? ["image", "segmentation"]);
  return dataset.layers.filter((layer) => kinds.includes(layer.kind)).map((layer) => layer.name);
}

const PATCH_SIZE = "80"; // pixels; about the size of a synapse at 5 nm
const STRIDE = "40";

function initial(kind: string, fields: readonly SettingField[], dataset: Dataset | null): Record<string, string> {
  const given: Record<string, string> = {};
  for (const field of fields) {
    given[field.name] = layersFor(kind, field.name, dataset)?.[0] ?? field.initial;
    if (field.name === "stop" && dataset !== null) given.stop = dataset.shape.join(", ");
    if (field.name === "start") given.start = "0, 0, 0";
  }
  if (kind === "embed") Object.assign(given, { patch_size: PATCH_SIZE, stride: STRIDE });
  return given;
}

interface SettingProps {
  kind: string;
  field: SettingField;
  dataset: Dataset | null;
  value: string;
  set: (text: string) => void;
}

function Setting({ kind, field, dataset, value, set }: SettingProps) {
  const label = hint(`setting.${field.name}`) ?? field.name.replaceAll("_", " ");
  const named = layersFor(kind, field.name, dataset);
  if (field.kind === "check") {
    return <Check label={label} value={value === "true"} set={(yes) => set(String(yes))} />;
  }
  const options = named ?? (field.kind === "choice" ? field.options : null);
  return (
    <Field label={label} hint={hint(`setting.${field.name}_hint`)}>
      {(id) =>
        options === null ? (
          <Text id={id} value={value} set={set} autocomplete="off" />
        ) : (
          <Choice id={id} value={value} set={set} options={options.map((one) => [one, one] as const)} />
        )
      }
    </Field>
  );
}
