// Python in a worker. It begins from an image of its memory in which nasdsl is imported already.
// Where the image does not fit, it begins from nothing, which takes some seconds longer.

import createPyodideModule from "./pyodide/pyodide.asm.mjs";
import { loadPyodide } from "./pyodide/pyodide.mjs";

const began = performance.now();
const base = new URL("./pyodide/", import.meta.url).href;

async function bytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

async function image() {
  const response = await bytes("memory.gz");
  const stream = response.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function fromImage() {
  const memory = image();
  return loadPyodide({
    indexURL: base,
    _loadSnapshot: memory,
    async createPyodideModule(settings) {
      const made = await createPyodideModule(settings);
      // The memory grows when it is asked for; what was asked for is written over.
      const { length } = await memory;
      while (made.HEAP8.length < length) made._malloc(4 * 1024 * 1024);
      return made;
    },
  });
}

async function files(python) {
  const zip = await (await bytes("nasdsl.zip")).arrayBuffer();
  python.unpackArchive(zip, "zip", { extractDir: "/nasdsl" });
  python.runPython("import importlib; importlib.invalidate_caches()");
}

async function started() {
  try {
    const python = await fromImage();
    return { python, later: files(python) };
  } catch (error) {
    console.warn("the image of Python's memory does not fit:", error);
    const python = await loadPyodide({ indexURL: base });
    await files(python);
    python.runPython(`
import sys
sys.path.insert(0, "/nasdsl")
from nasdsl.play.answers import Session
session = Session()
`);
    return { python, later: null };
  }
}

started().then(
  async ({ python, later }) => {
    const answer = python.runPython("session.answer");
    await later;
    self.onmessage = ({ data }) => self.postMessage({ answer: answer(data) });
    self.postMessage({ state: "ready", milliseconds: performance.now() - began });
  },
  (error) => self.postMessage({ state: "failed", reason: String(error) }),
);
