// The frame of every page: who is signed in, where one can go, and the page itself.
import { useEffect, useState } from "preact/hooks";
import { expired, reached } from "./api/client";
import type { Dataset } from "./api/types";
import { LANGUAGES, language, speak, t, type Language } from "./i18n";
import { Account } from "./pages/account/Account";
import { Admin } from "./pages/admin/Admin";
import { Annotate } from "./pages/annotate/Annotate";
import { Atlas } from "./pages/atlas/Atlas";
import { Datasets } from "./pages/datasets/Datasets";
import { DatasetSettings } from "./pages/datasets/DatasetSettings";
import { Predict } from "./pages/predict/Predict";
import { Reviews } from "./pages/reviews/Reviews";
import { Search } from "./pages/search/Search";
import { Shared } from "./pages/Shared";
import { SignIn, SignInAgain } from "./pages/account/SignIn";
import { NoPage, Refused } from "./pages/Refused";
import { address, go, oneTime, route } from "./router";
import { datasets, isAdmin, keepSettings, load, me, signOut } from "./session";
import { useTitle } from "./title";
import { Button, Message, Notices, Spinner, tellError } from "./ui";
import { Workbench } from "./Workbench";

const TOOLS = ["search", "predict", "annotate", "atlas", "reviews"] as const;
type Tool = (typeof TOOLS)[number];
const LAST = "emqs.dataset"; // the dataset that was open last

export function App() {
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    load().catch((reason: Error) => setError(reason.message));
  }, []);
  useTitle();
  if (error) return <Unreachable message={error} />;
  if (me.value === undefined) return <Spinner />;
  if (me.value === null || oneTime.value !== null) {
    return (
      <>
        <SignIn />
        <Notices />
      </>
    );
  }
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t("nav.skip")}
      </a>
      <Header />
      {!reached.value && <Message kind="error">{t("error.offline")}</Message>}
      {expired.value && <SignInAgain />}
      <main id="content" tabIndex={-1}>
        <Page />
      </main>
      <Notices />
    </>
  );
}

// To the content; the address, whose hash holds the state of the page, stays as it is.
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function Unreachable({ message }: { message: string }) {
  return (
    <main class="sign-in" id="content">
      <h1>emqs</h1>
      <Message kind="error">{message}</Message>
      <Button kind="primary" onClick={() => location.reload()}>
        {t("common.retry")}
      </Button>
    </main>
  );
}

function currentDataset(): Dataset | undefined {
  const [first, name] = route.value.path;
  const sought = first === "d" ? name : localStorage.getItem(LAST);
  return datasets.value.find((dataset) => dataset.name === sought);
}

function Header() {
  const { path } = route.value;
  const dataset = currentDataset() ?? datasets.value[0];
  const tool = path[0] === "d" ? path[2] : path[0];
  return (
    <header class="top">
      <a class="brand" href="/">
        emqs
      </a>
      <nav aria-label={t("nav.main")}>
        {datasets.value.length > 0 && (
          <select
            aria-label={t("nav.dataset")}
            value={path[0] === "d" ? path[1] : (dataset?.name ?? "")}
            onChange={(event) => {
              const next = TOOLS.includes(tool as Tool) ? (tool as Tool) : "search";
              go(address("d", event.currentTarget.value, next));
            }}
          >
            {datasets.value.map((one) => (
              <option key={one.name} value={one.name}>
                {one.title || one.name}
              </option>
            ))}
          </select>
        )}
        {dataset &&
          TOOLS.map((name) => (
            <a
              key={name}
              href={address("d", dataset.name, name)}
              aria-current={tool === name ? "page" : undefined}
            >
              {t(`nav.${name}`)}
            </a>
          ))}
        <a href="/datasets" aria-current={tool === "datasets" ? "page" : undefined}>
          {t("nav.datasets")}
        </a>
        {isAdmin.value && (
          <a href="/admin/users" aria-current={tool === "admin" ? "page" : undefined}>
            {t("nav.admin")}
          </a>
        )}
      </nav>
      <div class="who">
        <select
          aria-label={t("nav.language")}
          value={language.value}
          onChange={(event) => {
            const chosen = event.currentTarget.value as Language;
            speak(chosen);
            keepSettings({ language: chosen }).catch(tellError);
          }}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
        <a href="/account" aria-current={tool === "account" ? "page" : undefined}>
          {me.value?.display_name ?? ""}
        </a>
        {me.value?.accounts && (
          <Button kind="quiet" onClick={() => signOut().catch(tellError)}>
            {t("nav.sign_out")}
          </Button>
        )}
      </div>
    </header>
  );
}

function Page() {
  const { path } = route.value;
  switch (path[0]) {
    case undefined:
      return <Home />;
    case "d":
      return <DatasetPage name={path[1] ?? ""} tool={path[2] ?? "search"} rest={path.slice(3)} />;
    case "datasets":
      return <Datasets />;
    case "atlas":
      return <Atlas dataset={null} rest={path.slice(1)} />;
    case "account":
      return <Account />;
    case "admin":
      return <Admin tab={path[1] ?? "users"} />;
    case "s":
      return <Shared name={path[1] ?? ""} />;
    default:
      return <NoPage />;
  }
}

function Home() {
  useEffect(() => {
    const dataset = currentDataset() ?? (datasets.value.length === 1 ? datasets.value[0] : undefined);
    go(dataset ? address("d", dataset.name, "search") : "/datasets", { replace: true });
  }, []);
  return <Spinner />;
}

function DatasetPage({ name, tool, rest }: { name: string; tool: string; rest: string[] }) {
  const dataset = datasets.value.find((one) => one.name === name);
  useEffect(() => {
    if (dataset) localStorage.setItem(LAST, dataset.name);
  }, [dataset?.name]);
  if (dataset === undefined) {
    return <Refused title={t("error.no_page_title")}>{t("error.no_dataset", { name })}</Refused>;
  }
  if (tool === "settings") return <DatasetSettings dataset={dataset} tab={rest[0] ?? "about"} />;
  if (!TOOLS.includes(tool as Tool)) return <NoPage />;
  return (
    <Workbench dataset={dataset}>
      {tool === "search" && <Search dataset={dataset} />}
      {tool === "predict" && <Predict dataset={dataset} />}
      {tool === "annotate" && <Annotate dataset={dataset} tab={rest[0] ?? "annotations"} />}
      {tool === "atlas" && <Atlas dataset={dataset} rest={rest} />}
      {tool === "reviews" && <Reviews dataset={dataset} rest={rest} />}
    </Workbench>
  );
}
