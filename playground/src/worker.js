// Python in a worker. It begins from an image of its memory in which nasdsl is imported already.
// Where the image does not fit, it begins from nothing, which takes some seconds longer.

import createPyodideModule from "./pyodide/pyodide.asm.mjs";
import { loadPyodide } from "./pyodide/pyodide.mjs";

/* global IMAGE_LENGTH */
const began = performance.now();
const base = new URL("./pyodide/", import.meta.url).href;

async function bytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

/** Fills the image while other things go on. */
async function filled(image) {
  const response = await bytes("memory.gz");
  const stream = response.body.pipeThrough(new DecompressionStream("gzip"));
  image.set(new Uint8Array(await new Response(stream).arrayBuffer()));
}

async function fromImage() {
  const image = new Uint8Array(IMAGE_LENGTH);
  const filling = filled(image);
  filling.catch(() => {}); // whoever waits for it hears of it
  return loadPyodide({
    indexURL: base,
    _loadSnapshot: image,
    async createPyodideModule(settings) {
      // The program is compiled meanwhile. The image is read when this has returned.
      const made = await createPyodideModule(settings);
      await filling;
      // The memory grows when it is asked for; what was asked for is written over.
      while (made.HEAP8.length < image.length) made._malloc(4 * 1024 * 1024);
      return made;
    },
  });
}

async function unpacked(python, name) {
  const zip = await (await bytes(name)).arrayBuffer();
  python.unpackArchive(zip, "zip", { extractDir: "/nasdsl" });
  python.runPython("import importlib; importlib.invalidate_caches()");
}

async function started() {
  try {
    const python = await fromImage();
    // The modules that are not in the image, and what they read.
    await unpacked(python, "rest.zip");
    return python;
  } catch (error) {
    console.warn("the image of Python's memory does not fit:", error);
    const python = await loadPyodide({ indexURL: base });
    await unpacked(python, "nasdsl.zip");
    python.runPython(`
import sys
sys.path.insert(0, "/nasdsl")
from nasdsl.play.answers import Session
session = Session()
`);
    return python;
  }
}

started().then(
  (python) => {
    const answer = python.runPython("session.answer");
    self.onmessage = ({ data }) => {
      for (const question of data) self.postMessage({ answer: answer(question) });
    };
    self.postMessage({ state: "ready", milliseconds: performance.now() - began });
  },
  (error) => self.postMessage({ state: "failed", reason: String(error) }),
);
