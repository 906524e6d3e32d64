// Makes dist/: the client, and the panel of the diagram with the page's own code, which stands in `web/`.
import { build } from "esbuild";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const HERE = new URL(".", import.meta.url).pathname;
const read = (name) => readFileSync(`${HERE}../../${name}`, "utf8");
const shared = { absWorkingDir: HERE, bundle: true, minify: true, logLevel: "warning" };

rmSync(`${HERE}dist`, { recursive: true, force: true });
await build({
  ...shared, entryPoints: ["src/extension.js"], outfile: "dist/extension.js",
  platform: "node", format: "cjs", target: "node18", external: ["vscode"],
});
await build({ ...shared, entryPoints: ["src/webview/view.js"], outfile: "dist/view.js", format: "esm", target: "chrome114" });

const imports = 'importScripts("viz-global.js");';
const [before, after] = read("web/src/layout.js").split(imports); // one file: a worker of a panel imports none
writeFileSync(`${HERE}dist/layout.js`, `${before}${read("templates/page/viz-global.js")}\n${after}`);
copyFileSync(`${HERE}../../templates/page/NOTICE.md`, `${HERE}dist/NOTICE.md`);
