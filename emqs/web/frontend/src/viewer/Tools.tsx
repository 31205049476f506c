// What stands above the viewer: how it is laid out, and what it shows.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Dataset } from "../api/types";
import { t } from "../i18n";
import { Button } from "../ui";
import { LAYOUTS, type LayoutName, type ViewerHandle } from "./types";

const NAMES: Record<LayoutName, string> = { xy: "XY", xz: "XZ", yz: "YZ", "4panel": "4", "3d": "3D" };

function useLayers(handle: ViewerHandle | null): void {
  const [, draw] = useState(0);
  useEffect(() => {
    draw((n) => n + 1);
    return handle?.onLayers(() => draw((n) => n + 1));
  }, [handle]);
}

// What lies under the mouse; written past Preact, since it changes with every move.
function Values({ handle }: { handle: ViewerHandle | null }) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    return handle?.onValues(() => {
      if (text.current === null) return;
      text.current.textContent = Object.entries(handle.values()).map(([name, value]) => `${name} ${value}`).join(", ");
    });
  }, [handle]);
  return <span ref={text} class="values hint" title={t("viewer.values")} />;
}

export function Tools({ handle, dataset }: { handle: ViewerHandle | null; dataset: Dataset }) {
  useLayers(handle);
  const [z, y, x] = dataset.shape;
  const now = handle?.layout() ?? null;
  return (
    <div class="viewer-tools" role="toolbar" aria-label={t("viewer.tools")}>
      <span class="group" role="group" aria-label={t("viewer.layout")}>
        {LAYOUTS.map((name) => (
          <Button
            key={name}
            kind="quiet"
            disabled={handle === null}
            aria-pressed={now === name}
            title={t(`viewer.layout_${name}`)}
            aria-label={`${NAMES[name]}: ${t(`viewer.layout_${name}`)}`}
            onClick={() => handle?.setLayout(name)}
          >
            {NAMES[name]}
          </Button>
        ))}
        <Button kind="quiet" disabled={handle === null} title={t("viewer.fit_hint")} onClick={() => handle?.fit({ z, y, x })}>
          {t("viewer.fit")}
        </Button>
      </span>
      <span class="group layers" role="group" aria-label={t("viewer.layers")}>
        {handle
          ?.layers()
          .filter((layer) => !layer.own)
          .map((layer) => (
            <span key={layer.name} class="layer">
              <label>
                <input
                  type="checkbox"
                  checked={layer.visible}
                  onChange={(event) => handle.setVisible(layer.name, event.currentTarget.checked)}
                />
                {layer.name}
              </label>
              {layer.kind !== "annotation" && (
                <Button kind="quiet" icon="⚙" label={t("viewer.settings", { name: layer.name })}
                  onClick={() => handle.settings(layer.name)} />
              )}
            </span>
          ))}
      </span>
      <Values handle={handle} />
      <Button kind="quiet" disabled={handle === null} title={t("viewer.help_hint")} onClick={() => handle?.help()}>
        {t("viewer.help")}
      </Button>
    </div>
  );
}
