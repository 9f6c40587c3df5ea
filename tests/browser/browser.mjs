// A real browser: the system's Chromium, driven over its own protocol.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What people look at pages with, in pixels. */
export const SCREENS = {
  wide: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/** The browser; `CHROMIUM` says where another one is. To be closed by whoever opened it. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // A container has neither user namespaces nor a graphics card, and all pages are our own.
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** Somebody at a screen: `{ page, troubles }`, the second being what a page complained of, such as a script that its policy forbids. */
export async function sitDown(browser, { url, screen = "wide", theme = "light", hasScripts = true, timezone = "Europe/Vienna" }) {
  const context = await browser.newContext({
    ...SCREENS[screen],
    baseURL: url,
    colorScheme: theme,
    javaScriptEnabled: hasScripts,
    timezoneId: timezone,
    locale: "en-GB",
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // A page that answers 4xx is told to the console as well, and is looked at by whoever asked for it.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) troubles.push(`${page.url()}: ${message.text()}`);
  });
  return { context, page, troubles };
}

/** What axe finds on the page, in a line each: rule, where, and why. */
export async function findBarriers(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) => `${id} at ${target}: ${help} ${any[0]?.message ?? ""}`));
}

/** A page is as wide as its screen: nobody has to push it to and fro. */
export async function assertFits(page) {
  const { content, screen } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    screen: document.documentElement.clientWidth,
  }));
  assert.ok(content <= screen, `${page.url()} is ${content} pixels wide on a screen of ${screen}`);
}

/** What every page must be like, whichever it is. */
export async function assertSound(page, troubles) {
  await assertFits(page);
  assert.deepEqual(await findBarriers(page), [], page.url());
  assert.deepEqual(troubles, []);
}
