// Every page, in a real browser: it fits on the screen, axe finds nothing, its policy holds up nothing of its own; dates are in
// the reader's zone; and all is done by keys alone.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { freePort } from "../../scripts/bench/machine.mjs";
import { LocalInstance } from "../../scripts/local-instance.mjs";
import { assertSound, openBrowser, sitDown } from "./browser.mjs";
import { PLACES, PUBLIC_PLACES } from "./places.mjs";
import { OWNER, becomeOwner, fill, signIn } from "./showcase.mjs";

/** What a page and its files may weigh over the wire, in bytes. The local runtime packs nothing, so that is done here. */
const MOST_BYTES = 60_000;

let browser, folder, instance, made;

async function assertLight(page) {
  const files = await page.evaluate(() => [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((file) => file.href || file.src));
  let bytes = 0;
  for (const address of [page.url(), ...files]) bytes += gzipSync(await (await page.request.get(address)).body()).length;
  assert.ok(bytes <= MOST_BYTES, `${page.url()} weighs ${bytes} bytes`);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repertoire-pages-"));
  await mkdir(join(folder, "github"));
  instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort() });
  await instance.prepare();
  await instance.start();
  made = await fill(instance, join(folder, "github"));
  browser = await openBrowser();
  const { page, context } = await sitDown(browser, { url: instance.url });
  await becomeOwner(page, instance);
  await context.close();
});

after(async () => {
  await browser?.close();
  await made?.stop();
  await instance?.stop();
  await rm(folder, { recursive: true, force: true });
});

for (const [screen, theme] of [
  ["wide", "light"],
  ["wide", "dark"],
  ["phone", "light"],
  ["phone", "dark"],
])
  describe(`on a ${screen} screen, ${theme}`, () => {
    let owner, stranger;
    before(async () => {
      owner = await sitDown(browser, { url: instance.url, screen, theme });
      await signIn(owner.page);
      stranger = await sitDown(browser, { url: instance.url, screen, theme });
    });
    after(async () => {
      await owner?.context.close();
      await stranger?.context.close();
    });

    for (const [name, path] of Object.entries(PLACES))
      test(name, async () => {
        const response = await owner.page.goto(path(made));
        assert.equal(response.status(), name === "nowhere" ? 404 : 200, response.url());
        await assertSound(owner.page, owner.troubles);
        await assertLight(owner.page);
      });
    for (const [name, path] of Object.entries(PUBLIC_PLACES))
      test(name, async () => {
        const response = await stranger.page.goto(path(made));
        assert.equal(response.status(), 200, response.url());
        await assertSound(stranger.page, stranger.troubles);
        await assertLight(stranger.page);
      });
  });

test("by keys alone somebody signs in, skips to what a page says, and finds a package by the palette", async () => {
  const { page, context } = await sitDown(browser, { url: instance.url });
  const press = (keys) => page.keyboard.press(keys);
  await page.goto("/ui/sign-in");
  await page.getByLabel(/e-mail/i).focus();
  await page.keyboard.type(OWNER.email);
  await press("Tab");
  await page.keyboard.type(OWNER.password);
  await press("Enter");
  await page.waitForURL(/\/ui\/main/);
  await press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await press("Control+k");
  const palette = page.getByRole("dialog");
  await palette.waitFor();
  await page.keyboard.type("ledger");
  await palette.getByText("acme/ledger").first().waitFor();
  await press("Enter");
  await page.waitForURL(/\/packages\/acme\/ledger/);
  await press("Control+k");
  await palette.waitFor();
  await press("Escape");
  await palette.waitFor({ state: "hidden" });
  await context.close();
});

test("what has the focus shows it", async () => {
  const { page, context } = await sitDown(browser, { url: instance.url });
  await signIn(page);
  for (let step = 0; step < 15; step += 1) {
    await page.keyboard.press("Tab");
    const { outline, width, tag } = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return { outline: style.outlineStyle, width: parseFloat(style.outlineWidth), tag: document.activeElement.outerHTML.slice(0, 80) };
    });
    assert.ok(outline !== "none" && width >= 2, `${tag} has an outline of ${width} (${outline})`);
  }
  await context.close();
});

test("dates are in the zone of whoever reads them, and in UTC without scripts", async () => {
  const times = {};
  for (const [name, options] of Object.entries({ tokyo: { timezone: "Asia/Tokyo" }, lima: { timezone: "America/Lima" }, plain: { hasScripts: false } })) {
    const { page, context } = await sitDown(browser, { url: instance.url, ...options });
    await signIn(page);
    await page.goto("/ui/main/audit");
    times[name] = await page.locator("main time").first().innerText();
    await context.close();
  }
  assert.match(times.plain, /UTC/);
  assert.notEqual(times.tokyo, times.lima);
});

test("the theme that was chosen stays, with scripts and without", async () => {
  for (const hasScripts of [true, false]) {
    const { page, context } = await sitDown(browser, { url: instance.url, theme: "light", hasScripts });
    await signIn(page);
    const background = () => page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
    const light = hasScripts && (await background());
    await page.getByRole("button", { name: "Dark" }).click();
    await page.goto("/ui/main/packages");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    if (hasScripts) assert.notEqual(await background(), light);
    await context.close();
  }
});

test("a passkey is made by the browser's device, signs in alone, and is refused once it is removed", async () => {
  const { page, context, troubles } = await sitDown(browser, { url: instance.url });
  const devices = await context.newCDPSession(page);
  await devices.send("WebAuthn.enable");
  const { authenticatorId } = await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await signIn(page);
  const add = async () => {
    await page.goto("/ui/account/passkeys");
    await page.getByLabel("Name", { exact: true }).fill("This computer");
    await page.getByLabel(/current password/i).fill(OWNER.password);
    await page.getByRole("button", { name: "Add a passkey" }).click();
  };
  await add();
  const row = page.getByRole("row", { name: /This computer/ });
  await row.waitFor();
  assert.match(await row.innerText(), /never/);
  // One that has a key already makes no second one, and nothing is sent.
  await add();
  await page.getByText("This device has a passkey for you already.").waitFor();
  assert.equal(await row.count(), 1);

  const signInByPasskey = async () => {
    await context.clearCookies();
    await page.goto("/ui/sign-in");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  };
  await signInByPasskey();
  await page.waitForURL(/\/ui\/main$/);
  await page.goto("/ui/account/passkeys");
  assert.doesNotMatch(await row.innerText(), /never/);

  // The wrong finger.
  await devices.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await signInByPasskey();
  await page.getByText("It was cancelled, or took too long. Try again.").waitFor();
  assert.match(page.url(), /\/ui\/sign-in/);
  await devices.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });

  await signIn(page);
  await page.goto("/ui/account/passkeys");
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("heading", { name: "No passkey yet" }).waitFor();
  await signInByPasskey();
  await page.getByRole("alert").filter({ hasText: /\S/ }).first().waitFor();
  await page.goto("/ui/main");
  assert.match(page.url(), /\/ui\/sign-in/);
  await assertSound(page, troubles);
  await context.close();
});

test("a customer signs in with a token, sees what it may install and nothing else", async () => {
  const { page, context, troubles } = await sitDown(browser, { url: instance.url, screen: "phone" });
  await page.goto("/ui/customer");
  await page.getByLabel(/token/i).fill(made.customers.Globex.token);
  await page.locator("main form button").first().click();
  await page.getByText("acme/ledger").first().waitFor();
  assert.equal(await page.getByText("acme/theme").count(), 0);
  await assertSound(page, troubles);
  assert.ok(!page.url().includes(made.customers.Globex.token));
  const response = await page.goto("/ui/main/customers");
  assert.match(response.url(), /\/ui\/sign-in/);
  await context.close();
});
