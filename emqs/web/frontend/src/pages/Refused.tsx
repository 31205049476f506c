// Shown instead of a page that one may not use, or that is not there.
import { t } from "../i18n";

export function Refused({ title, children }: { title: string; children: string }) {
  return (
    <div class="page refused">
      <h1>{title}</h1>
      <p role="alert">{children}</p>
      <p>
        <a href="/datasets">{t("error.to_datasets")}</a>
      </p>
    </div>
  );
}

export function NoPage() {
  return <Refused title={t("error.no_page_title")}>{t("error.no_page")}</Refused>;
}
