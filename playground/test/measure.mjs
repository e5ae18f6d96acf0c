// How soon the playground is there, and how soon it answers a key; milliseconds as JSON.
//
// node measure.mjs CHROMIUM DIST ROUNDS: each round is a new browser with nothing in its cache.

import { launched, served } from "./browser.mjs";

const [chromium, dist, rounds] = process.argv.slice(2);
const KEYS = 40;
const server = await served(dist);
const loads = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const browser = await launched(chromium);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(server.url);
  await page.waitForFunction(() => performance.getEntriesByName("shown").length > 0, null, { timeout: 300_000 });
  // Marks count from the navigation.
  loads.push(await page.evaluate(() => ({
    python: performance.getEntriesByName("python-ready")[0].startTime,
    shown: performance.getEntriesByName("shown")[0].startTime,
  })));
  if (round === Number(rounds) - 1) {
    await page.locator("#editor .cm-line").nth(8).click();
    await page.keyboard.press("End");
    const keys = [];
    for (let key = 0; key < KEYS; key += 1) {
      const seen = await page.evaluate(() => performance.getEntriesByName("key-to-view").length);
      // A space, and away with it: the text is sound before and after, and looked at anew.
      await page.keyboard.press(key % 2 ? "Backspace" : " ");
      await page.waitForFunction((count) => performance.getEntriesByName("key-to-view").length > count, seen);
      keys.push(await page.evaluate(() => ({
        findings: performance.getEntriesByName("key-to-findings").at(-1).duration,
        drawing: performance.getEntriesByName("key-to-view").at(-1).duration,
      })));
    }
    console.log(JSON.stringify({ loads, keys }));
  }
  await browser.close();
}
server.close();
