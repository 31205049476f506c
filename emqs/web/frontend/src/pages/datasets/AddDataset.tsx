// A dataset of files that the server can read; admins add it.
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { address, go } from "../../router";
import { loadDatasets } from "../../session";
import { Area, Choice, Dialog, Field, Form, Text, tell } from "../../ui";
import { sizes } from "./numbers";

export function AddDataset({ onClose }: { onClose: () => void }) {
  const [given, setGiven] = useState<Record<string, string>>({ visibility: "private" });
  const value = (key: string) => given[key] ?? "";
  const set = (key: string) => (text: string) => setGiven((before) => ({ ...before, [key]: text }));
  async function send(): Promise<void> {
    const stores = lines(value("store"));
    const body: Record<string, unknown> = { name: value("name").trim(), volume: value("volume").trim() };
    for (const key of ["title", "description", "visibility", "axes", "dataset"]) {
      if (value(key).trim() !== "") body[key] = value(key).trim();
    }
    if (stores.length > 0) body.store = stores.length === 1 ? stores[0] : stores;
    if (lines(value("labels")).length > 0) body.labels = labelsOf(lines(value("labels")));
    if (value("voxel").trim() !== "") body.voxel_size_nm = sizes(value("voxel"));
    if (value("level").trim() !== "") body.level = Number(value("level"));
    const { name } = await request<{ name: string }>("/datasets", { body });
    await loadDatasets();
    tell(t("dataset.added", { name }));
    onClose();
    go(address("d", name, "settings", stores.length > 0 ? "members" : "jobs")); // what is missing now
  }
  const text = (key: string, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      {(id) => <Text id={id} value={value(key)} set={set(key)} autocomplete="off" />}
    </Field>
  );
  const ready = value("name").trim() !== "" && value("volume").trim() !== "";
  return (
    <Dialog title={t("dataset.add")} onClose={onClose}>
      <Form action={t("dataset.add")} send={send} disabled={!ready} onCancel={onClose} class="add-dataset">
        <p class="hint">{t("dataset.add_about")}</p>
        {text("name", t("dataset.name"), t("dataset.name_hint"))}
        {text("volume", t("dataset.volume"), t("dataset.volume_hint"))}
        {text("voxel", t("dataset.voxel_zyx"), t("dataset.voxel_hint"))}
        {text("title", t("dataset.title"))}
        <Field label={t("dataset.description")}>
          {(id) => <Area id={id} value={value("description")} set={set("description")} rows={2} />}
        </Field>
        <Field label={t("dataset.visibility")}>
          {(id) => (
            <Choice id={id} value={value("visibility") as Dataset["visibility"]} set={set("visibility")}
              options={[["private", t("visibility.private_about")], ["public", t("visibility.public_about")]]} />
          )}
        </Field>
        <details>
          <summary>{t("dataset.more")}</summary>
          <Field label={t("dataset.labels")} hint={t("dataset.labels_hint")}>
            {(id) => <Area id={id} value={value("labels")} set={set("labels")} rows={2} />}
          </Field>
          <Field label={t("dataset.stores")} hint={t("dataset.stores_hint")}>
            {(id) => <Area id={id} value={value("store")} set={set("store")} rows={2} />}
          </Field>
          <div class="field-columns">
            {text("level", t("dataset.level"), t("dataset.level_hint"))}
            {text("dataset", t("dataset.inner"), t("dataset.inner_hint"))}
            {text("axes", t("dataset.axes"), t("dataset.axes_hint"))}
          </div>
        </details>
      </Form>
    </Dialog>
  );
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

// PATH is the layer "labels"; NAME = PATH one of that name.
export function labelsOf(given: readonly string[]): string | Record<string, string> {
  if (given.length === 1 && !given[0].includes("=")) return given[0];
  const named: Record<string, string> = {};
  given.forEach((line, index) => {
    const [name, ...path] = line.split("=");
    if (path.length > 0) named[name.trim()] = path.join("=").trim();
    else named[index === 0 ? "labels" : `labels${index + 1}`] = line;
  });
  return named;
}
