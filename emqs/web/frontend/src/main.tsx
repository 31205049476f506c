import { render } from "preact";
import { App } from "./App";
import "./connection";
import { language, speak } from "./i18n";
import "./styles/base.css";

speak(language.value);
render(<App />, document.getElementById("app") as HTMLElement);
