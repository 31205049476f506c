// The keys and gestures of the page.
import { t } from "../../i18n";
import { Button, Dialog } from "../../ui";
import { viewer } from "../../viewer/Viewer";

const KEYS = [
  ["Alt + click", "help.alt"],
  ["Alt + Shift + click", "help.alt_shift"],
  ["P", "help.p"],
  ["N", "help.n"],
  ["Enter", "help.enter"],
  ["Ctrl + Z", "help.undo"],
  ["← → ↑ ↓", "help.arrows"],
  ["R, W", "help.marks"],
  ["S", "help.choose"],
  ["F", "help.refine"],
  ["?", "help.this"],
] as const;

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("help.title")} onClose={onClose}>
      <table class="keys">
        <thead class="hidden">
          <tr>
            <th>{t("help.key")}</th>
            <th>{t("help.what")}</th>
          </tr>
        </thead>
        <tbody>
          {KEYS.map(([key, word]) => (
            <tr key={word}>
              <td>
                <kbd>{key}</kbd>
              </td>
              <td>{t(word)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">{t("help.viewer")}</p>
      <div class="row end">
        <Button
          disabled={viewer.value === null}
          onClick={() => {
            onClose();
            viewer.value?.help();
          }}
        >
          {t("viewer.help_hint")}
        </Button>
      </div>
    </Dialog>
  );
}
