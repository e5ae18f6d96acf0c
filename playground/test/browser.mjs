// A Chromium and a web server of a folder, for tests and measurements.

import * as fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { inflateRawSync, deflateRawSync } from "node:zlib";
import { chromium } from "playwright-core";

const KINDS = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
  ".json": "application/json", ".wasm": "application/wasm", ".svg": "image/svg+xml",
};
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A server of a folder such as any web host is: files, and nothing else. */
export async function served(folder) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const file = path.join(folder, path.normalize(name), name.endsWith("/") ? "index.html" : "");
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": KINDS[path.extname(file)] ?? "application/octet-stream" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => (server.closeAllConnections(), server.close()) };
}

export function launched(executablePath) {
  return chromium.launch({ executablePath, args: FLAGS });
}

export function fragment(text) {
  return `#c=${deflateRawSync(Buffer.from(text, "utf-8")).toString("base64url")}`;
}

export function textOf(url) {
  const content = /#c=([\w-]*)/.exec(url)?.[1];
  return content === undefined ? null : inflateRawSync(Buffer.from(content, "base64url")).toString("utf-8");
}
