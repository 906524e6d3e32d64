// Compiles the Python files of an archive with the Pyodide that will run them:
// node compile.mjs IN.zip OUT.zip
import { loadPyodide } from "pyodide";
import { readFileSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const python = await loadPyodide();
python.unpackArchive(new Uint8Array(readFileSync(from)), "zip", { extractDir: "/archc" });
python.runPython(`
import compileall, io, py_compile, zipfile
from pathlib import Path

root = Path("/archc")
sources = [path for path in root.rglob("*.py") if "templates" not in path.parts]
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for path in sources:
    py_compile.compile(path, path.with_suffix(".pyc"), str(path), doraise=True, invalidation_mode=mode)
    path.unlink()
with zipfile.ZipFile("/out.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(str(path.relative_to(root)))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, path.read_bytes())
`);
writeFileSync(to, python.FS.readFile("/out.zip"));
process.exit(0);
