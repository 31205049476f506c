// Labels from a file, e.g. of napari: a layer of one's own, seen at once.
import { useState } from "preact/hooks";
import { dataset as pathOf, url } from "../../api/client";
import type { Dataset } from "../../api/types";
import { count, t } from "../../i18n";
import { loadDatasets } from "../../session";
import { Button, Field, Message, tell } from "../../ui";
import { showLayer } from "./LayersTab";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

// fetch tells no progress of what is sent.
function sent(to: string, file: File, progress: (fraction: number) => void, keep: (way: XMLHttpRequest) => void) {
  return new Promise<void>((resolve, reject) => {
    const way = new XMLHttpRequest();
    keep(way);
    way.open("POST", to);
    way.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    way.onerror = () => reject(new Error(t("layers.broken_off")));
    way.onabort = () => reject(new DOMException("", "AbortError"));
    way.onload = () => {
      if (way.status < 300) return resolve();
      let told = `The server answered ${way.status}.`;
      try {
        told = (JSON.parse(way.responseText) as { error?: string }).error ?? told;
      } catch {
        // a proxy's page
      }
      reject(new Error(told));
    };
    way.send(file);
  });
}

export function Upload({ dataset }: { dataset: Dataset }) {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [offset, setOffset] = useState("0, 0, 0");
  const [fraction, setFraction] = useState<number | null>(null);
  const [way, setWay] = useState<XMLHttpRequest | null>(null);
  const [error, setError] = useState<string | null>(null);
  const named = NAME.test(name);
  const taken = dataset.layers.some((layer) => layer.name === name && !layer.own);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (file === null) return;
    setError(null);
    setFraction(0);
    try {
      const format = /\.tiff?$/i.test(file.name) ? "tif" : "npy";
      const start = offset.split(",").map((part) => part.trim()).join(",");
      const path = `${pathOf(dataset.name)}/layers/${encodeURIComponent(name)}/upload`;
      await sent(url(path, { format, offset: start }), file, setFraction, setWay);
      await loadDatasets();
      await showLayer(dataset, name);
      tell(t("layers.uploaded", { name }));
      setFile(null);
    } catch (reason) {
      if (!(reason instanceof DOMException)) setError((reason as Error).message);
    } finally {
      setFraction(null);
      setWay(null);
    }
  }
  return (
    <section aria-label={t("layers.upload")}>
      <h2>{t("layers.upload")}</h2>
      <form onSubmit={submit}>
        <Field label={t("layers.file")} hint={t("layers.file_hint")}>
          {(id) => (
            <input id={id} type="file" accept=".npy,.tif,.tiff" onChange={(event) => {
              const chosen = event.currentTarget.files?.[0] ?? null;
              setFile(chosen);
              setError(null);
              if (chosen && name === "") setName(chosen.name.replace(/\.\w+$/, "").replace(/[^A-Za-z0-9_.-]+/g, "_"));
            }} />
          )}
        </Field>
        <div class="two">
          <Field label={t("layers.name")} hint={taken ? t("layers.taken") : name !== "" && !named ? t("layers.name_hint") : undefined}>
            {(id) => <input id={id} value={name} maxLength={100} onInput={(e) => setName(e.currentTarget.value)} />}
          </Field>
          <Field label={t("layers.offset")}>
            {(id) => <input id={id} value={offset} onInput={(e) => setOffset(e.currentTarget.value)} />}
          </Field>
        </div>
        {error && <Message kind="error">{error}</Message>}
        {fraction !== null && (
          <p role="status" class="row">
            <progress max={1} value={fraction} aria-label={t("layers.upload")} />
            {fraction < 1 ? `${count(Math.round(100 * fraction))} %` : t("layers.storing")}
          </p>
        )}
        <div class="row">
          <Button kind="primary" type="submit" disabled={file === null || !named || taken || fraction !== null}>
            {t("layers.upload_do")}
          </Button>
          {way && fraction !== null && fraction < 1 && (
            <Button onClick={() => way.abort()}>{t("common.cancel")}</Button>
          )}
        </div>
      </form>
    </section>
  );
}
