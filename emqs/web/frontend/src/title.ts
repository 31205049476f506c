// The title of the window says which page is shown; the focus follows to a page that was opened by a link.
import { useEffect, useRef } from "preact/hooks";
import { t, type Word } from "./i18n";
import { strings } from "./i18n/strings";
import { route } from "./router";
import { datasets, me } from "./session";

// The title of a page: the most special first, as tabs of browsers are narrow.
export function titleOf(path: readonly string[]): string {
  const [first, name, tool = "search"] = path;
  const parts: string[] = [];
  if (first === "d") {
    const word = tool === "settings" ? "dataset.settings" : `nav.${tool}`;
    if (word in strings) parts.push(t(word as Word));
    parts.push(datasets.value.find((one) => one.name === name)?.title || (name ?? ""));
  } else if (first !== undefined && `nav.${first}` in strings) {
    parts.push(t(`nav.${first}` as Word));
  }
  return [...parts.filter((part) => part !== ""), "emqs"].join(" · ");
}

export function useTitle(): void {
  const { path } = route.value;
  document.title = me.value ? titleOf(path) : t("sign_in.title");
  const page = path.slice(0, 3).join("/");
  const before = useRef(page);
  useEffect(() => {
    if (before.current === page) return;
    before.current = page;
    const main = document.getElementById("content");
    main?.scrollTo(0, 0);
    const at = document.activeElement;
    if (at === null || at === document.body || at instanceof HTMLAnchorElement) main?.focus();
  }, [page]);
}
