// Build into a temporary folder, and compare with ../static byte by byte: what is committed is what is built.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const COMMITTED = "../static";

function files(folder) {
  const names = readdirSync(folder).map((name) => join(folder, name));
  return names.flatMap((name) => (statSync(name).isDirectory() ? files(name) : [name]));
}

function named(folder) {
  return new Map(files(folder).map((name) => [relative(folder, name), readFileSync(name)]));
}

const folder = mkdtempSync(join(tmpdir(), "emqs-pages-"));
try {
  const build = ["vite", "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"];
  if (spawnSync("npx", build, { stdio: "inherit" }).status !== 0) process.exit(1);
  const [built, committed] = [named(folder), named(COMMITTED)];
  const names = [...new Set([...built.keys(), ...committed.keys()])].sort();
  const other = names.filter((name) => !built.get(name)?.equals(committed.get(name) ?? Buffer.from("missing")));
  for (const name of other) {
    const what = !built.has(name) ? "is not built any more" : !committed.has(name) ? "is missing" : "differs";
    console.error(`${join(COMMITTED, name)} ${what}.`);
  }
  if (other.length > 0) {
    console.error("The built pages are not those of the sources. Build them: npm run build");
    process.exitCode = 1;
  } else {
    console.log(`${names.length} files are those that the sources make.`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
