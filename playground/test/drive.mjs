// The playground in a browser: each scenario is "ok" or says what went wrong.
//
// node drive.mjs [WORDS OF A SCENARIO'S NAME]: on standard input JSON with `chromium` (a path), `dist` (a folder), `play` (the
// address that `nasdsl play` printed) and `expected` (what the package itself says of the texts).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { fragment, launched, served, textOf } from "./browser.mjs";

const { chromium, dist, play, expected } = JSON.parse(readFileSync(0, "utf-8"));
const PATIENCE = Number(process.env.PATIENCE ?? 120_000);
const server = await served(dist);
const browser = await launched(chromium);
const found = {};

/** A page of its own, and everything that it said or asked for. */
async function opened(address = server.url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.heard = [];
  page.asked = [];
  const expects = /Service Worker registration blocked by Playwright/;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expects.test(message.text())) page.heard.push(message.text());
  });
  page.on("pageerror", (error) => page.heard.push(String(error)));
  page.on("dialog", (dialog) => (page.heard.push(`dialog ${dialog.message()}`), dialog.dismiss()));
  // The browser itself asks for the icon again whenever the address changes.
  page.on("request", (request) => request.url().endsWith("icon.svg") || page.asked.push(request.url()));
  await page.goto(address);
  return page;
}

async function ready(page) {
  await page.waitForFunction(() => performance.getEntriesByName("shown").length > 0);
}

/** The page that most scenarios share, since a new one takes seconds; at the first tab, with this text. */
let common = null;
async function given(text = expected.text) {
  if (common === null) {
    common = await opened();
    await ready(common);
  }
  await common.getByRole("tab", { name: "Cells" }).click();
  await common.evaluate((hash) => { location.hash = hash; }, fragment(text));
  // The address has the text at once, the editor when the page has read it.
  await shows(common, text);
  await remembered(common, text);
  return common;
}

const status = (page, text) =>
  page.waitForFunction((wanted) => document.getElementById("status").textContent.includes(wanted), text);
const themed = (page, name) =>
  page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, name);
const drawing = (page) => page.locator("#panel .drawing svg").first().textContent();
const write = async (page, text) => {
  await page.locator("#editor .cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
};
/** Follow a link until the page says that it cannot be read: findings of the text before may come after the word. */
async function refused(page, hash) {
  const said = () => document.getElementById("status").textContent.includes("unreadable; the text stays as it is");
  for (let tries = 0; !(await page.waitForFunction(said, null, { timeout: 10_000 }).catch(() => false)); tries += 1) {
    if (tries > 10) throw new Error(`${hash.slice(0, 60)} was read`);
    await page.evaluate((link) => {
      location.hash = "";
      location.hash = link;
    }, hash);
  }
}
/** Wait until the editor has a text, by its beginning: lines further down may not be drawn. */
async function shows(page, text) {
  const [first] = text.split("\n");
  await page.locator("#editor .cm-line").first().filter({ hasText: first }).waitFor();
}
async function remembered(page, text) {
  for (let tries = 0; textOf(page.url()) !== text; tries += 1) {
    if (tries > 600) throw new Error(`the address has ${textOf(page.url())}`);
    await page.waitForTimeout(100);
  }
}

async function scenario(name, run) {
  if (!name.includes(process.argv[2] ?? "")) return;
  try {
    const page = await run();
    for (const each of [page].flat()) {
      assert.deepEqual(each.heard, []);
      if (each !== common) await each.context().close();
    }
    found[name] = "ok";
  } catch (error) {
    const said = await common?.locator("#status").textContent({ timeout: 5000 }).catch(String);
    found[name] = `${String(error.stack ?? error).slice(0, 1500)}\nThe page said: ${said}`;
  }
}

const SMALL = "genotype small\nops nasnet\n\ncell normal {\n    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)\n}\n";

await scenario("types, breaks and fixes", async () => {
  const page = await given();
  await status(page, "A sound genotype");
  await page.waitForLoadState("networkidle");
  const before = page.asked.length;
  await write(page, SMALL);
  await page.waitForFunction(() => !document.querySelector("#panel").textContent.includes("Reduction cell"));
  assert.match(await drawing(page), /sep\s*conv\s*3x3/);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# a comment");
  await write(page, SMALL.replace("sep_conv_3x3, ", "sep_con_3x3 "));
  await status(page, "2 errors");
  const findings = page.locator(".finding");
  assert.equal(await findings.count(), 2);
  assert.match(await findings.first().textContent(), /Line 5.*unknown op sep_con_3x3/);
  await page.waitForSelector("#panel.stale");
  await page.getByRole("button", { name: "Why? NAS201" }).click();
  assert.match(await page.locator("dialog").textContent(), /What it means/);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "write sep_conv_3x3" }).click();
  await status(page, "1 error");
  // The button is gone, and with it the focus.
  await page.keyboard.press("Control+.");
  await status(page, "A sound genotype");
  await page.waitForSelector("#panel:not(.stale)");
  await remembered(page, SMALL);
  assert.deepEqual(page.asked.slice(before), [], "something was asked for while typing");
  return page;
});

await scenario("completes and explains words", async () => {
  const page = await given(SMALL);
  await write(page, SMALL.replace("sep_conv_3x3, identity, add)\n}\n", ""));
  await page.keyboard.press("Control+End");
  await page.keyboard.type("sep_conv_7");
  await page.waitForSelector("#editor .cm-tooltip-autocomplete");
  await page.waitForTimeout(200);
  await page.keyboard.press("Enter");
  await page.keyboard.type(", identity, add)");
  await page.locator("#editor .cm-line").nth(4).locator("span", { hasText: "h[i]" }).first().hover();
  await page.waitForSelector("#editor .about");
  assert.match(await page.locator("#editor .about").textContent(), /hidden state h\[i\]: the newest/);
  await remembered(page, SMALL.replace("3x3", "7x7").replace("\n}\n", ""));
  return page;
});

await scenario("shares and reloads", async () => {
  const page = await given();
  await write(page, SMALL);
  await page.getByRole("tab", { name: "Cost" }).click();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Share" }).click();
  await status(page, "The link is copied");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(textOf(link), SMALL);
  await page.context().clearPermissions();
  await page.reload();
  await ready(page);
  assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "Cost");
  await page.getByRole("button", { name: "Format" }).click();
  await status(page, "in the one style");
  await remembered(page, SMALL);
  await page.evaluate((hash) => { location.hash = hash; }, fragment(expected.space));
  await status(page, "A sound space");
  return page;
});

await scenario("says what the package says", async () => {
  const page = await given();
  const shown = async (tab, text) => {
    await page.getByRole("tab", { name: tab, exact: true }).click();
    await page.waitForFunction((wanted) => document.querySelector("#panel").textContent.includes(wanted), text);
  };
  await shown("Cost", expected.params);
  await page.getByLabel("N, cells in a stack").fill("4");
  await page.getByLabel("Filters").fill("1056");
  await page.waitForFunction((wanted) => document.querySelector("#panel").textContent.includes(wanted), expected.smaller);
  assert.equal(await page.getByLabel("Filters").inputValue(), "1056");
  await page.getByLabel("Filters").fill("1057");
  await page.waitForSelector(".notice.problem");
  await page.getByRole("button", { name: "Reset" }).click();
  await shown("PyTorch", "class Network");
  await shown("Network", "Normal cell");
  await shown("Canonical form", expected.hash);
  await shown("Compare", "In words");
  await page.getByLabel("Compare with").selectOption("nasnet_a_unused");
  await page.waitForFunction((wanted) => document.querySelector("#panel").textContent.includes(wanted), "nasnet_a_unused");
  await shown("Space", "one genotype");
  await page.getByRole("button", { name: "Change one decision" }).click();
  await page.waitForSelector("#panel .sentences li");
  await page.getByRole("button", { name: "Open every field" }).click();
  await status(page, "A sound space");
  await page.waitForSelector("#panel .sample svg");
  assert.equal(await page.locator(".sample").count(), 6);
  await page.locator("#open").selectOption("nasnet_space");
  await shown("Space", expected.count);
  await page.getByRole("button", { name: "Change one decision" }).first().click();
  await page.waitForSelector("#panel .sample .sentences li");
  // What was changed stays when the panel is drawn anew.
  await page.evaluate(() => { document.querySelector("#panel .sample").dataset.old = "yes"; });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => !document.querySelector("#panel .sample[data-old]"));
  assert.equal(await page.locator("#panel .sample .sentences").count(), 1);
  await page.emulateMedia({ colorScheme: "light" });
  await shown("Cost", "a genotype is required");
  await page.getByRole("button", { name: "Draw genotypes of this space" }).click();
  await page.waitForSelector("#panel .sample svg");
  return page;
});

await scenario("keeps a link that is followed while it writes its own", async () => {
  const page = await opened();
  await ready(page);
  // Packing a text takes as long as the test says.
  await page.evaluate(() => {
    const whole = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = async function () {
      const content = await whole.call(this);
      await new Promise((resolve) => { window.release = resolve; });
      Blob.prototype.arrayBuffer = whole;
      return content;
    };
  });
  await page.getByRole("tab", { name: "Cost" }).click();
  await page.waitForFunction(() => window.release !== undefined);
  await page.evaluate((hash) => {
    location.hash = hash;
    window.release();
  }, fragment(SMALL));
  await shows(page, SMALL);
  await remembered(page, SMALL);
  return page;
});

await scenario("saves", async () => {
  const page = await given();
  await status(page, "A sound genotype");
  found.files = {};
  for (const form of ["cell", "svg", "png", "py"]) {
    await page.locator("#save summary").click();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.locator(`[data-save="${form}"]`).click(),
    ]);
    const content = readFileSync(await file.path());
    found.files[file.suggestedFilename()] = content.toString("base64");
  }
  return page;
});

await scenario("is used by keyboard and has names", async () => {
  const page = await given();
  await page.getByRole("tab", { name: "Cells" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "Cost");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "Compare");
  for (const tab of await page.getByRole("tab").all()) {
    await tab.click();
    await page.waitForFunction((name) => document.querySelector("#panel").dataset.tab === name, (await tab.getAttribute("data-tab")));
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll("button, select, input, summary, a, svg, meter, [role=tabpanel]")]
        .filter((each) => !(each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length || each.getAttribute("aria-labelledby")))
        .map((each) => each.outerHTML.slice(0, 100)));
    assert.deepEqual(nameless, []);
  }
  await page.locator("#editor .cm-content").focus();
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.id), "editor", "Tab does not leave the editor");
  return page;
});

await scenario("fits a phone, light and dark", async () => {
  const page = await given();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: "dark" });
  await themed(page, "dark");
  for (const tab of await page.getByRole("tab").all()) {
    await tab.click();
    await page.waitForFunction((name) => document.querySelector("#panel").dataset.tab === name, (await tab.getAttribute("data-tab")));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${await tab.textContent()} is ${width} pixels wide`);
  }
  await page.locator("#theme").click();
  await themed(page, "light");
  await page.reload();
  await themed(page, "light");
  await page.setViewportSize({ width: 1280, height: 800 });
  await ready(page);
  return page;
});

await scenario("takes no harm from links", async () => {
  const evil = [
    "<script>window.pwned = 1</script>",
    "genotype </svg><script>window.pwned=1</script>\nops nasnet\ncell normal { b0 = (h[i], <img/src=x/onerror=window.pwned=1>, identity, identity, add) }",
    `ops nasnet\n\nop "><img src=x onerror=window.pwned=1> = [relu]`,
    "# `<img src=x onerror=window.pwned=1>`\ngenotype x\nops `<b>`\n",
  ].map(fragment);
  const unseen = ["\0", "\u202e", "\u2066", "a\u200b", "\u00ad", "\u{1f9e0}\0\n"].map((each) => fragment(each.repeat(90_000 / each.length)));
  const endless = ["a", "(", "\t", "\n", "#", "\u05d0b", "e\u0301", "\u0301", "\u{1f9e0}"].map((each) => fragment(each.repeat(90_000 / each.length)));
  const bomb = `#c=${deflateRawSync(Buffer.alloc(50_000_000, 97)).toString("base64url")}`;
  const fragments = [
    ...evil, ...unseen, ...endless, bomb, `#c=${"A".repeat(1_000_000)}`, "#c=%%%", "#c=====", "#c=<script>window.pwned=1</script>",
    "#<script>window.pwned=1</script>", "#c=", "#c", "#tab=__proto__", "#tab=<img src=x onerror=window.pwned=1>",
    `#${"&".repeat(100_000)}`, fragment("\0\u202e\u{1f9e0}".repeat(300)), "#c=%E0%A4%A&tab=%", "#tab=constructor", "#c=AAAA&c=BBBB&tab=cost", "#javascript:window.pwned=1",
  ];
  const page = await given();
  const scripts = await page.locator("script").count();
  for (const each of fragments) {
    await page.evaluate((hash) => { location.hash = hash; }, each);
    await page.waitForTimeout(150);
    assert.equal(await page.evaluate(() => window.pwned), undefined, each.slice(0, 60));
    assert.equal(await page.locator("script").count(), scripts);
    // The editor itself has some beside what it puts in place of controls.
    assert.equal(await page.locator("img:not(.cm-widgetBuffer)").count(), 0);
    if (unseen.includes(each)) await refused(page, each);
  }
  await write(page, SMALL);
  await status(page, "A sound genotype");
  const pages = [page];
  for (const each of [evil[1], bomb, unseen[1]]) {
    const fresh = await opened(server.url + each);
    await fresh.waitForFunction(() => /sound|error|broken/.test(document.getElementById("status").textContent));
    await fresh.waitForFunction(() => performance.getEntriesByName("python-ready").length > 0);
    assert.equal(await fresh.evaluate(() => window.pwned), undefined);
    pages.push(fresh);
  }
  const origins = new Set(pages.flatMap((each) => each.asked).filter((url) => url.startsWith("http")).map((url) => new URL(url).origin));
  assert.deepEqual([...origins], [new URL(server.url).origin]);
  return pages;
});

await scenario("refuses a long text", async () => {
  const page = await given();
  await page.locator("#editor .cm-content").focus();
  await write(page, "#".repeat(150_000));
  await status(page, "1 error");
  assert.match(await page.locator(".finding").textContent(), /150,000 characters/);
  await write(page, SMALL);
  await status(page, "A sound genotype");
  return page;
});

await scenario("opens without a network", async () => {
  const page = await opened(server.url, { serviceWorkers: "allow" });
  await ready(page);
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.context().setOffline(true);
  await write(page, SMALL);
  await status(page, "A sound genotype");
  await remembered(page, SMALL);
  server.close();
  await page.reload();
  await ready(page);
  await status(page, "A sound genotype");
  assert.equal(textOf(page.url()), SMALL);
  return page;
});

await scenario("is opened by nasdsl play", async () => {
  const page = await opened(play, { serviceWorkers: "allow" });
  await ready(page);
  await status(page, "A sound genotype");
  assert.equal(textOf(page.url()), expected.text);
  // The server has no such file, on purpose.
  page.heard = page.heard.filter((each) => !/404|service-worker/.test(each));
  return page;
});

await browser.close();
server.close();
console.log(JSON.stringify(found));
