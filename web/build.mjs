// Makes the page of `web/src`: templates/page/edit.html, edit.css, edit.js, layout.js.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const HERE = new URL(".", import.meta.url), OUT = new URL("../templates/page/", HERE);

/** A hash of all that the page is made of, as tests/test_edit.py takes it. */
function sources() {
  const names = readdirSync(new URL("src/", HERE)).sort().map((name) => `src/${name}`);
  const hash = createHash("sha256");
  for (const name of [...names, "build.mjs", "package-lock.json", "../editors/codemirror/arch.js"])
    hash.update(readFileSync(new URL(name, HERE), "utf8").replaceAll("\r\n", "\n")).update("\0");
  return hash.digest("hex").slice(0, 16);
}

const banner = `of web/, sha256:${sources()}`;
const shared = { bundle: true, minify: true, write: false, target: ["es2022", "chrome111", "firefox113", "safari16.4"], logLevel: "warning", charset: "utf8" };
const made = async (entry, more) => {
  const { outputFiles } = await build({ ...shared, entryPoints: [new URL(entry, HERE).pathname], ...more });
  return outputFiles[0].text;
};
const put = (name, text) => writeFileSync(new URL(name, OUT), text.trimEnd() + "\n");

put("edit.js", await made("src/main.js", { format: "esm", legalComments: "none", banner: { js: `// The page of archc, ${banner}. Licences: NOTICE.md` } }));
put("layout.js", await made("src/layout.js", { format: "iife", banner: { js: `// The page of archc, ${banner}` } }));
put("edit.css", await made("src/page.css", { banner: { css: `/* The page of archc, ${banner} */` } }));
put("edit.html", readFileSync(new URL("src/page.html", HERE), "utf8"));
