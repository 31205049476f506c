import { render } from "preact";
import { App } from "./App";
import "./connection";
import { language, speak } from "./i18n";
import "./styles/base.css";
import "./styles/parts.css";
import { dress, theme } from "./theme";

speak(language.value);
dress(theme.value);
render(<App />, document.getElementById("app") as HTMLElement);
