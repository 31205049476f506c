// Title, description and visibility of a dataset; deleting it.
import { useState } from "preact/hooks";
import { ApiError, dataset as path, request } from "../../api/client";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { go } from "../../router";
import { isAdmin, loadDatasets } from "../../session";
import { Area, Button, Choice, Confirm, Field, Form, Message, Text, Time, tell } from "../../ui";
import { triple } from "./place";

export function About({ dataset }: { dataset: Dataset }) {
  const [revision, setRevision] = useState(dataset.revision); // that what is typed began with
  const [title, setTitle] = useState(dataset.title);
  const [description, setDescription] = useState(dataset.description);
  const [visibility, setVisibility] = useState(dataset.visibility);
  const [stale, setStale] = useState(false);
  const [deleting, setDeleting] = useState(false);
  async function send(): Promise<void> {
    const body = { title, description, visibility };
    try {
      await request(path(dataset.name), { method: "PATCH", body, headers: { "If-Match": `"${revision}"` } });
    } catch (error) {
      if (error instanceof ApiError && [409, 412].includes(error.status)) setStale(true);
      throw error;
    }
    const now = await request<Dataset>(path(dataset.name));
    setRevision(now.revision);
    await loadDatasets();
    tell(t("dataset.saved"));
  }
  async function read(): Promise<void> {
    const now = await request<Dataset>(path(dataset.name));
    setRevision(now.revision);
    setTitle(now.title);
    setDescription(now.description);
    setVisibility(now.visibility);
    setStale(false);
    await loadDatasets();
  }
  const same = title === dataset.title && description === dataset.description && visibility === dataset.visibility;
  return (
    <>
      <dl class="fact-list">
        <dt>{t("dataset.name")}</dt>
        <dd>{dataset.name}</dd>
        <dt>{t("dataset.shape")}</dt>
        <dd>{triple(dataset.shape)} · {dataset.dtype}</dd>
        <dt>{t("dataset.voxel")}</dt>
        <dd>{triple(dataset.voxel_size_nm, 2)} nm</dd>
        <dt>{t("dataset.changed")}</dt>
        <dd><Time time={dataset.changed} /> ({t("dataset.revision", { n: dataset.revision })})</dd>
      </dl>
      <Form action={t("common.save")} send={send} disabled={same || title.trim() === ""} class="narrow-column">
        <Field label={t("dataset.title")}>
          {(id) => <Text id={id} value={title} set={setTitle} maxLength={400} />}
        </Field>
        <Field label={t("dataset.description")}>
          {(id) => <Area id={id} value={description} set={setDescription} rows={5} />}
        </Field>
        <Field label={t("dataset.visibility")}>
          {(id) => (
            <Choice id={id} value={visibility} set={setVisibility}
              options={[["private", t("visibility.private_about")], ["public", t("visibility.public_about")]]} />
          )}
        </Field>
        {stale && (
          <Message kind="info">
            {t("dataset.stale")} <Button onClick={() => void read()}>{t("dataset.read_again")}</Button>
          </Message>
        )}
      </Form>
      {isAdmin.value && (
        <section class="danger-zone">
          <h2>{t("dataset.delete")}</h2>
          <p>{t("dataset.delete_about")}</p>
          <Button kind="danger" onClick={() => setDeleting(true)}>{t("dataset.delete")}</Button>
        </section>
      )}
      {deleting && (
        <Confirm title={t("dataset.delete_title", { name: dataset.name })} action={t("dataset.delete")}
          typed={dataset.name} onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await request(path(dataset.name), { method: "DELETE", query: { confirm: dataset.name } });
            await loadDatasets();
            tell(t("dataset.deleted", { name: dataset.name }));
            go("/datasets");
          }}>
          <p>{t("dataset.delete_about")}</p>
        </Confirm>
      )}
    </>
  );
}
