// `npm run screenshots`: a picture of every page, wide and on a phone, light and dark, of an instance with something in it.
//
//   npm run screenshots              all of them, into docs/screenshots
//   npm run screenshots -- customer  those whose names begin so
//
// It takes some minutes, most of them for the build. What is shown is made up by `tests/browser/showcase.mjs`.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { endChildrenOnSignals, runVisibly, startChild } from "./children.mjs";
import { installBrowserDriver, installNodeModules } from "./install.mjs";
import { nodeForWrangler, projectFolder } from "./paths.mjs";
import { provideTestTools } from "./test-tools.mjs";

const TAKER = "--take";

if (process.argv[2] === TAKER) await takeAll(process.argv.slice(3));
else await prepare(process.argv.slice(2));

/** Installs and builds, and goes on under a Node.js that is new enough. */
async function prepare(names) {
  await installNodeModules();
  await installBrowserDriver();
  await provideTestTools();
  if ((await runVisibly(join(projectFolder, "build-worker"), [], { cwd: projectFolder })) !== 0) process.exit(1);
  const child = startChild(nodeForWrangler(), [join(projectFolder, "scripts", "screenshots.mjs"), TAKER, ...names], { cwd: projectFolder, stdio: "inherit" });
  process.exit((await child.ended).code ?? 1);
}

async function takeAll(names) {
  const { LocalInstance } = await import("./local-instance.mjs");
  const { freePort } = await import("./bench/machine.mjs");
  const { openBrowser, sitDown } = await import("../tests/browser/browser.mjs");
  const { PLACES, PUBLIC_PLACES } = await import("../tests/browser/places.mjs");
  const { becomeOwner, fill, makePast, signIn } = await import("../tests/browser/showcase.mjs");

  const folder = mkdtempSync(join(tmpdir(), "repertoire-screenshots-"));
  endChildrenOnSignals(() => {
    rmSync(folder, { recursive: true, force: true });
    return 130;
  });
  mkdirSync(join(folder, "github"));
  const instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), showError: (line) => console.error(line) });
  await instance.prepare();
  await instance.start();
  console.log("filling an instance");
  const made = await fill(instance, join(folder, "github"));
  const browser = await openBrowser();
  try {
    const first = await sitDown(browser, { url: instance.url });
    await becomeOwner(first.page, instance);
    await first.context.close();
    await instance.stop();
    makePast(instance);
    await instance.start();

    const target = join(projectFolder, "docs", "screenshots");
    mkdirSync(target, { recursive: true });
    const isWanted = (name) => names.length === 0 || names.some((start) => name.startsWith(start));
    for (const screen of ["wide", "phone"]) {
      for (const theme of ["light", "dark"]) {
        const owner = await sitDown(browser, { url: instance.url, screen, theme });
        await signIn(owner.page);
        const stranger = await sitDown(browser, { url: instance.url, screen, theme });
        for (const [page, places] of [
          [owner.page, PLACES],
          [stranger.page, PUBLIC_PLACES],
        ]) {
          for (const [name, path] of Object.entries(places)) {
            if (!isWanted(name)) continue;
            await page.goto(path(made));
            await page.screenshot({ path: join(target, `${name}-${screen}-${theme}.png`) });
          }
        }
        await owner.context.close();
        await stranger.context.close();
        console.log(`${screen}, ${theme}: done`);
      }
    }
  } finally {
    await browser.close();
    await made.stop();
    await instance.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
