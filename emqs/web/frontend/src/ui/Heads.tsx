// The heads of a table's columns; those of buttons have a word for screen readers alone.
import { t, type Word } from "../i18n";

export function Heads({ words, actions = false }: { words: readonly Word[]; actions?: boolean }) {
  return (
    <thead>
      <tr>
        {words.map((word) => (
          <th key={word} scope="col">{t(word)}</th>
        ))}
        {actions && <th scope="col"><span class="hidden">{t("common.actions")}</span></th>}
      </tr>
    </thead>
  );
}
