// NOTICE.txt beside the built pages: the licences of everything that is in them.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// Parts that packages bring inside of their own files: name, who holds it, and the texts of its licence.
// A text comes from licenses/NAME.txt; "apache" is that of neuroglancer.
const APACHE = "apache";
const INSIDE = {
  neuroglancer: [
    { name: "jpgjs (third_party/jpgjs)", holders: "Copyright 2015 Mozilla Foundation", license: "Apache-2.0", texts: [APACHE] },
    {
      name: "GLSL mode of CodeMirror (third_party/codemirror-glsl)", holders: "As told in the file of neuroglancer",
      license: "MIT", texts: ["mit"],
    },
    { name: "Draco (neuroglancer_draco.wasm)", holders: "Copyright The Draco Authors", license: "Apache-2.0", texts: [APACHE] },
    {
      name: "jxl-oxide and its jxl-* crates, and the Rust standard library (jxl_decoder.wasm)",
      holders: "Copyright (c) Wonwoo Choi; Copyright (c) The Rust Project Contributors",
      license: "MIT OR Apache-2.0", texts: ["mit"],
    },
    { name: "libpng (libpng.wasm)", holders: "", license: "libpng-2.0", texts: ["libpng"] },
    {
      name: "compresso (compresso.wasm)", holders: "Copyright (c) 2016 Rhoana, 2021 William Silversmith",
      license: "MIT", texts: ["mit"],
    },
    {
      name: "cc3d.hpp, compiled into compresso.wasm; its source and how to build it anew are in the repository of " +
        "neuroglancer, src/sliceview/compresso, and the file can be replaced by one that you have built",
      holders: "Copyright (c) William Silversmith", license: "LGPL-3.0-or-later", texts: ["lgpl-3"],
    },
  ],
  numcodecs: [
    { name: "c-blosc (in blosc.js)", holders: "", license: "BSD-3-Clause", texts: ["c-blosc"] },
    { name: "zstd (in zstd.js and blosc.js)", holders: "", license: "BSD-3-Clause", texts: ["zstd"] },
  ],
};
const TOOLS = [
  ["\0vite/", "vite"],
  ["\0rolldown/", "rolldown"],
];
const LINE = "=".repeat(80);

// The packages that files of a bundle come from.
function packageOf(id) {
  const tool = TOOLS.find(([prefix]) => id.startsWith(prefix));
  if (tool !== undefined) return tool[1];
  const path = id.split("?")[0].replaceAll("\\", "/");
  const at = path.lastIndexOf("/node_modules/");
  if (at < 0) return null;
  const [scope, name] = path.slice(at + "/node_modules/".length).split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}

// The licence of a package, without those of what only its own build needs.
function textOf(folder) {
  const name = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file)).sort()[0];
  if (name === undefined) throw new Error(`${folder} has no licence file: add one to licenses/.`);
  const text = readFileSync(join(folder, name), "utf-8").replaceAll("\r\n", "\n");
  return text.split("\n# Licenses of bundled dependencies")[0].trim();
}

function written(title, text) {
  return `${LINE}\n${title}\n${LINE}\n\n${text.trim()}\n`;
}

function described(root, packages) {
  const parts = ["The pages of emqs hold the following software of others, under these licences.\n"];
  const apache = textOf(join(root, "node_modules/neuroglancer"));
  const own = (name) => readFileSync(join(root, "licenses", `${name}.txt`), "utf-8");
  const seen = new Map();
  // a long text that several share is written once
  function text(whose, content) {
    const before = seen.get(content);
    if (before !== undefined) return `The same as of ${before}, above.`;
    if (content.length > 2000) seen.set(content, whose);
    return content;
  }
  for (const name of packages) {
    const folder = join(root, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
    const fallback = join(root, "licenses", `${name.replaceAll("/", "-")}.txt`);
    const content = existsSync(fallback) ? readFileSync(fallback, "utf-8").trim() : textOf(folder);
    parts.push(written(`${name} ${about.version} (${about.license})`, text(name, content)));
    for (const part of INSIDE[name] ?? []) {
      const told = part.texts.map((one) => text(part.name, one === APACHE ? apache : own(one).trim()));
      const all = [part.holders, ...told].filter((one) => one !== "").join("\n\n");
      parts.push(written(`In ${name}: ${part.name} (${part.license})`, all));
    }
  }
  return parts.join("\n");
}

// Two plugins: one that sees what is in a bundle, for pages and workers alike, and one that writes.
export function notice() {
  const packages = new Set();
  return {
    seen: () => ({
      name: "notice-seen",
      generateBundle(_, bundle) {
        for (const part of Object.values(bundle)) {
          const ids = part.type === "chunk" ? part.moduleIds : part.originalFileNames;
          for (const id of ids) {
            const name = packageOf(id.startsWith("\0") ? id : resolve("/", id));
            if (name !== null) packages.add(name);
          }
        }
      },
    }),
    written: () => {
      let root = "";
      return {
        name: "notice-written",
        apply: "build",
        configResolved(config) {
          root = config.root;
        },
        writeBundle(options) {
          const folder = options.dir ?? dirname(options.file ?? "");
          writeFileSync(join(folder, "NOTICE.txt"), described(root, [...packages].sort()));
        },
      };
    },
  };
}
