// Builds the playground into dist/: `npm ci && node build.mjs`, or `make playground`.
//
// The package runs in the browser as it is. Its modules and those it needs are compiled by the
// Python that will run them, and an image of the memory of a Python that has imported them is
// taken, from which a page begins in a fraction of the time. PYTHON names the Python that makes
// the wheel, which may be any.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { loadPyodide } from "pyodide";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");
const made = path.join(here, "dist.new");
const runtime = path.join(here, "node_modules", "pyodide");
const python = process.env.PYTHON ?? "python3";

/** What the program exits with where pip fails, mostly because there is no network. */
const NOT_FETCHED = 75;
/** What the page is made of, below the checkout. */
const INPUTS = [
  "nasdsl", "backends/nasdsl_backends", "genotypes", "grammar", "pyproject.toml", "playground/src",
  "playground/build.mjs", "playground/package-lock.json", "playground/requirements.txt",
  "editors/codemirror/cell.js",
];

/** Paths of wheels that no page needs: what trains, searches and talks to terminals. */
const LEFT_OUT = /^(nasdsl\/(playground|train|search|cli|lsp|oneshot)\/|nasdsl_backends\/torch\/|rich\/(?!(__init__|_extension|cells)\.py|_unicode_data\/)|(?!nasdsl)[^/]*\.dist-info\/)/;

function wheels() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "nasdsl-playground-"));
  const pip = (...args) => {
    try {
      execFileSync(python, ["-m", "pip", "--disable-pip-version-check", "-q", ...args], { stdio: ["ignore", "inherit", "inherit"] });
    } catch {
      console.error(`pip could not make or fetch the wheels; PYTHON is ${python}`);
      process.exit(NOT_FETCHED);
    }
  };
  pip("wheel", "--no-deps", "--wheel-dir", folder, path.dirname(here));
  pip("download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", folder,
    "-r", path.join(here, "requirements.txt"));
  const found = fs.readdirSync(folder).map((name) => new Uint8Array(fs.readFileSync(path.join(folder, name))));
  fs.rmSync(folder, { recursive: true });
  return found;
}

/** The modules of wheels, compiled, with their data, as one archive. */
async function compiled() {
  const py = await loadPyodide();
  wheels().forEach((wheel) => py.unpackArchive(wheel, "wheel", { extractDir: "/nasdsl" }));
  py.globals.set("left_out", LEFT_OUT.source);
  return py.runPython(`
import compileall, io, pathlib, re, zipfile
root, out = pathlib.Path("/nasdsl"), re.compile(left_out)
mode = __import__("py_compile").PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir(root, quiet=1, legacy=True, invalidation_mode=mode, stripdir="/nasdsl")
held = io.BytesIO()
with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        source = name.removesuffix("c") if name.endswith(".pyc") else name
        if path.is_file() and not name.endswith(".py") and not out.match(source):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
held.getvalue()
`).toJs();
}

/** An image of the memory of a Python that has answered every question once; and the library. */
async function warmed(archive) {
  const py = await loadPyodide({ _makeSnapshot: true });
  py.unpackArchive(archive, "zip", { extractDir: "/nasdsl" });
  const library = py.runPython(`
import gc, json, sys
sys.path.insert(0, "/nasdsl")
from nasdsl import library
from nasdsl.api.library_entries import library_entries
from nasdsl.play.answers import Session
from nasdsl.play.views import VIEWS

session = Session()
broken = "genotype x\\nops nasnet\\ncell normal { b0 = (h[i] h[i-1], sep_con_3x3, identity, ad) }"
texts = [library.source(name).text for name in ("nasnet_a", "nasnet_space", "darts_v2_cifar", "nasnet")]
for text in (*texts, broken, ""):
    asked = [{"ask": word, "at": 40, "code": "NAS201"} for word in ("check", "complete", "hover", "format", "explain")]
    asked += [{"ask": "view", "tab": tab} for tab in VIEWS]
    for question in asked:
        session.answer(json.dumps({**question, "text": text}))
entries = [
    {"name": entry.name, "kind": entry.kind, "text": library.source(entry.name).text}
    if entry.kind != "vocabulary"
    else {"name": entry.name, "kind": entry.kind, "text": library.vocabulary_source(entry.name).text}
    for entry in library_entries()
]
listed = json.dumps(entries)
session = Session()
del entries, texts, text, asked, question
gc.collect()
listed
`);
  const image = py.makeMemorySnapshot();
  py.globals.set("archive", archive);
  const rest = py.runPython(`
import io, zipfile
def in_memory(name):
    module = name.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")
    return name.endswith(".pyc") and module in sys.modules
held = io.BytesIO()
with zipfile.ZipFile(io.BytesIO(archive.to_bytes())) as whole, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as part:
    for entry in whole.infolist():
        if not in_memory(entry.filename):
            part.writestr(entry, whole.read(entry))
held.getvalue()
`).toJs();
  return { library, image, rest };
}

async function scripts(imageLength) {
  const settings = { bundle: true, minify: true, format: "esm", target: "es2022", outdir: made, legalComments: "none", logLevel: "warning" };
  const source = (name) => path.join(here, "src", name);
  await esbuild.build({ ...settings, entryPoints: [source("main.js"), source("style.css")], nodePaths: [path.join(here, "node_modules")] });
  await esbuild.build({ ...settings, entryPoints: [source("worker.js")], external: ["./pyodide/*"], define: { IMAGE_LENGTH: String(imageLength) } });
}

async function serviceWorker() {
  const files = fs.readdirSync(made, { recursive: true })
    .map((name) => name.split(path.sep).join("/"))
    .filter((name) => fs.statSync(path.join(made, name)).isFile()).sort();
  const hash = createHash("sha256");
  for (const name of files) hash.update(name).update(fs.readFileSync(path.join(made, name)));
  await esbuild.build({
    entryPoints: [path.join(here, "src", "service-worker.js")], outdir: made, minify: true, bundle: false,
    define: { BUILD: JSON.stringify(hash.digest("hex").slice(0, 12)), FILES: JSON.stringify(["./", ...files.filter((name) => name !== "index.html")]) },
  });
}

/** A hash of everything that the page is made of. */
function inputs() {
  const root = path.dirname(here);
  const hash = createHash("sha256").update(process.version);
  const take = (name) => {
    if (/__pycache__|^nasdsl\/playground$/.test(name)) return;
    const file = path.join(root, name);
    if (fs.statSync(file).isDirectory()) fs.readdirSync(file).sort().forEach((each) => take(`${name}/${each}`));
    else hash.update(name).update(fs.readFileSync(file));
  };
  INPUTS.forEach(take);
  return hash.digest("hex");
}

const stamp = path.join(here, "node_modules", ".nasdsl-built-from");
const now = inputs();
if (process.argv.includes("--if-changed") && fs.existsSync(dist) && fs.existsSync(stamp) && fs.readFileSync(stamp, "utf-8") === now) {
  console.log("playground/dist is up to date");
  process.exit();
}

fs.rmSync(made, { recursive: true, force: true });
fs.mkdirSync(path.join(made, "pyodide"), { recursive: true });
const archive = await compiled();
const { library, image, rest } = await warmed(archive);
fs.writeFileSync(path.join(made, "nasdsl.zip"), archive);
fs.writeFileSync(path.join(made, "rest.zip"), rest);
fs.writeFileSync(path.join(made, "memory.gz"), gzipSync(image, { level: 9 }));
fs.writeFileSync(path.join(made, "library.json"), library);
for (const name of ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"]) {
  fs.copyFileSync(path.join(runtime, name), path.join(made, "pyodide", name));
}
// The page loads no packages, so it needs no list of them.
const lock = JSON.parse(fs.readFileSync(path.join(runtime, "pyodide-lock.json"), "utf-8"));
fs.writeFileSync(path.join(made, "pyodide", "pyodide-lock.json"), JSON.stringify({ ...lock, packages: {} }));
for (const name of ["index.html", "icon.svg"]) {
  fs.copyFileSync(path.join(here, "src", name), path.join(made, name));
}
await scripts(image.length);
await serviceWorker();
fs.rmSync(dist, { recursive: true, force: true });
fs.renameSync(made, dist);
fs.writeFileSync(stamp, now);
const sizes = fs.readdirSync(dist, { recursive: true }).map((name) => fs.statSync(path.join(dist, name)).size);
console.log(`playground/dist: ${sizes.length} files, ${(sizes.reduce((a, b) => a + b) / 1e6).toFixed(1)} MB`);
