// How soon the playground is there, and how soon it answers a key; milliseconds as JSON. `processor` is
// what all processes of the browser took together, on however many cores, and not what one waits for.
//
// node measure.mjs CHROMIUM DIST ROUNDS: each round is a new browser with nothing in its cache.

import { fragment, launched, served } from "./browser.mjs";

const [chromium, dist, rounds] = process.argv.slice(2);
const KEYS = 40;
// The cells of NASNet-A, each op on a line of its own and named by one letter, so that one key makes
// another cell of it.
const PAIRS = [["h[i]", "h[i-1]"], ["h[i-1]", "h[i-1]"], ["h[i]", "h[i-1]"], ["h[i-1]", "h[i-1]"], ["h[i]", "h[i]"]];
const cell = (kind) =>
  `cell ${kind} {\n${PAIRS.map(([a, b], n) => `    b${n} = (${a}, ${b},\np,\nq,\nadd)`).join("\n")}\n}\n`;
const TEXT = `ops nasnet\nop p = [relu, conv(3x3, stride), batch_norm]\nop q = [avg_pool(3x3, stride)]\n${cell("normal")}${cell("reduction")}`;
const FIRST_OP = 5;
const server = await served(dist);
const loads = [];
async function processor(session) {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return 1000 * processInfo.reduce((sum, each) => sum + each.cpuTime, 0);
}
for (let round = 0; round < Number(rounds); round += 1) {
  const browser = await launched(chromium);
  const session = await browser.newBrowserCDPSession();
  const before = await processor(session);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(server.url);
  await page.waitForFunction(() => performance.getEntriesByName("shown").length > 0, null, { timeout: 300_000 });
  const spent = (await processor(session)) - before;
  // Marks count from the navigation.
  loads.push(await page.evaluate((spent) => ({
    python: performance.getEntriesByName("python-ready")[0].startTime,
    shown: performance.getEntriesByName("shown")[0].startTime,
    processor: spent,
  }), spent));
  if (round === Number(rounds) - 1) {
    await page.goto(server.url + fragment(TEXT));
    await page.reload();
    await page.waitForFunction(() => performance.getEntriesByName("key-to-view").length > 0, null, { timeout: 300_000 });
    const keys = [];
    const began = await processor(session);
    for (let key = 0; key < KEYS; key += 1) {
      const line = FIRST_OP + 4 * (key % PAIRS.length);
      await page.locator("#editor .cm-line").nth(line - 1).click();
      await page.keyboard.press("Home");
      await page.keyboard.press("Shift+ArrowRight");
      const seen = await page.evaluate(() => performance.getEntriesByName("key-to-view").length);
      await page.keyboard.type(Math.floor(key / PAIRS.length) % 2 ? "p" : "q");
      await page.waitForFunction((count) => performance.getEntriesByName("key-to-view").length > count, seen);
      keys.push(await page.evaluate(() => ({
        sound: !document.querySelector(".finding.error") && document.querySelector("#panel svg") !== null,
        findings: performance.getEntriesByName("key-to-findings").at(-1).duration,
        drawing: performance.getEntriesByName("key-to-view").at(-1).duration,
      })));
    }
    if (!keys.every((each) => each.sound)) throw new Error("a text had mistakes");
    const each = ((await processor(session)) - began) / KEYS;
    console.log(JSON.stringify({ loads, keys: keys.map((key) => ({ ...key, processor: each })) }));
  }
  await browser.close();
}
server.close();
