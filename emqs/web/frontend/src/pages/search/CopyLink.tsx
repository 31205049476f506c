// A short link to what one sees, for colleagues.
import { useState } from "preact/hooks";
import type { Dataset } from "../../api/types";
import { t } from "../../i18n";
import { Button, Dialog, tell, tellError } from "../../ui";
import { share } from "../Shared";

export function CopyLink({ dataset }: { dataset: Dataset }) {
  const [link, setLink] = useState<string | null>(null);
  async function copy(): Promise<void> {
    const made = await share(dataset.name);
    try {
      await navigator.clipboard.writeText(made);
      tell(t("search.link_copied", { link: made }));
    } catch {
      setLink(made); // browsers copy with permission, and over https alone
    }
  }
  return (
    <>
      <Button kind="quiet" title={t("search.link_hint")} onClick={() => copy().catch(tellError)}>{t("search.link")}</Button>
      {link !== null && (
        <Dialog title={t("search.link_title")} onClose={() => setLink(null)}>
          <input
            class="wide" readOnly value={link} aria-label={t("search.link_title")}
            onFocus={(event) => event.currentTarget.select()}
          />
          <p class="hint">{t("search.link_how")}</p>
        </Dialog>
      )}
    </>
  );
}
