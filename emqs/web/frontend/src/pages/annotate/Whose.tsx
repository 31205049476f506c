// Whose annotations are seen, and which groups see one's own.
import { request, dataset as pathOf } from "../../api/client";
import { t } from "../../i18n";
import { me } from "../../session";
import { tellError } from "../../ui";
import { OWN, colourOfOwner } from "./model";
import type { Store } from "./store";

export function Whose({ store }: { store: Store }) {
  const owners = store.owners.value;
  const mine = me.value?.groups ?? [];
  const shared = store.groups.value;
  if (owners.length <= 1 && mine.length === 0) return null;
  const hidden = store.hidden.value;
  async function share(group: string, on: boolean): Promise<void> {
    try {
      const path = `${pathOf(store.dataset.name)}/shares/${encodeURIComponent(group)}`;
      await request(path, { method: on ? "PUT" : "DELETE" });
      await store.loadOwners();
    } catch (error) {
      tellError(error);
    }
  }
  const others = owners.length - 1 - hidden.filter((name) => name !== store.mine).length;
  return (
    <details class="whose">
      <summary>
        {t("annotate.whose", { n: Math.max(0, others) })}
        {shared.length > 0 && `, ${t("annotate.shared_with", { groups: shared.join(", ") })}`}
      </summary>
      <fieldset>
        <legend>{t("annotate.whose_seen")}</legend>
        {owners.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={!hidden.includes(name)}
              onChange={(event) =>
                store.setHidden(
                  event.currentTarget.checked ? hidden.filter((one) => one !== name) : [...hidden, name],
                )}
            />
            <svg class="swatch" width="12" height="12" aria-hidden="true">
              <circle cx="6" cy="6" r="4.5" fill={name === store.mine ? OWN : "none"}
                stroke={name === store.mine ? "currentColor" : colourOfOwner(name, owners)}
                stroke-width={name === store.mine ? 0.7 : 2.5} />
            </svg>
            {name === store.mine ? t("annotate.my_own") : name}
          </label>
        ))}
      </fieldset>
      {store.mayWrite && mine.length > 0 && (
        <fieldset>
          <legend>{t("annotate.share_own")}</legend>
          {mine.map((group) => (
            <label key={group}>
              <input
                type="checkbox"
                checked={shared.includes(group)}
                onChange={(event) => void share(group, event.currentTarget.checked)}
              />
              {group}
            </label>
          ))}
        </fieldset>
      )}
    </details>
  );
}
