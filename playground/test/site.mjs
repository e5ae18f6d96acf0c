// The site in a browser: its search, its links to the playground, and nothing from elsewhere.
//
// node site.mjs: on standard input JSON with `chromium` (a path), `site` (a folder), `words` to search for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { launched, served, textOf } from "./browser.mjs";

const { chromium, site, words } = JSON.parse(readFileSync(0, "utf-8"));
const server = await served(site);
const browser = await launched(chromium);
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
context.setDefaultTimeout(120_000);
const page = await context.newPage();
const [heard, asked] = [[], new Set()];
page.on("pageerror", (error) => heard.push(String(error)));
page.on("response", (response) => response.status() >= 400 && heard.push(`${response.status()} ${response.url()}`));
page.on("request", (request) => request.url().startsWith("http") && asked.add(new URL(request.url()).origin));

const found = {};
for (const [said, place] of Object.entries(words)) {
  await page.goto(server.url);
  await page.locator(".md-search__button").click();
  await page.keyboard.type(said);
  // Of all links, those of results alone say what was looked for.
  const first = page.locator(`a[href*="/${place}/?h="]`).first();
  await first.waitFor();
  await first.click();
  await page.waitForURL(`**/${place}**`);
  found[said] = await page.locator("h1").first().textContent();
}

await page.goto(`${server.url}language/`);
const links = await page.locator("a.playground").count();
const example = await page.locator("pre code").first().textContent();
await page.locator("a.playground").first().click();
await page.waitForFunction(() => document.documentElement.dataset.editor === "ready");
found.playground = { links, example, text: textOf(page.url()), at: new URL(page.url()).pathname };
assert.deepEqual(heard, []);
assert.deepEqual([...asked], [new URL(server.url).origin]);
await browser.close();
server.close();
console.log(JSON.stringify(found));
