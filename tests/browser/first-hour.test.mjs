// The first hour of somebody who has read nothing: begins by the printed link, connects a host, imports ten packages, makes a
// token, and installs with the real Composer. On a wide screen and on a phone, light and dark, and without scripts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { clients } from "../e2e/clients.mjs";
import { ComposerProject } from "../e2e/composer.mjs";
import { greeterFiles } from "../e2e/fixtures.mjs";
import { GitHubDouble } from "../e2e/github-double.mjs";
import { Registry } from "../e2e/registry.mjs";
import { makeFolder } from "../e2e/support/folder.mjs";
import { assertSound, openBrowser, sitDown } from "./browser.mjs";

const PROJECTS = 10;
const IMPORTED_WITHIN = 180_000;
const NOTICED_WITHIN = 120_000;

let browser, folder, double;

before(async () => {
  folder = await makeFolder("first-hour");
  double = await GitHubDouble.start({ folder: await inFolder("github") });
  // As large as its host makes them: the tests of imports have small ones.
  double.pageSize = 30;
  for (let number = 1; number <= PROJECTS; number += 1) {
    const project = await double.addProject(`acme/part-${number}`);
    await project.repository.commit(...["v1.0.0", "v1.1.0"].map((tag) => ({ files: greeterFiles(project.fullName, tag), tags: [tag] })));
  }
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await double?.stop();
  await rm(folder, { recursive: true, force: true });
});

for (const walk of [
  { title: "on a wide screen, in the light", screen: "wide", theme: "light", hasScripts: true },
  { title: "on a phone, in the dark", screen: "phone", theme: "dark", hasScripts: true },
  { title: "without scripts", screen: "wide", theme: "dark", hasScripts: false },
])
  describe(`the first hour, ${walk.title}`, () => {
    let registry, person, token;

    before(async () => {
      const state = await inFolder(`state-${walk.screen}-${walk.hasScripts}`);
      registry = await Registry.start({ state });
      person = await sitDown(browser, { url: registry.url, ...walk });
    });
    after(async () => {
      await person?.context.close();
      await registry?.stop();
    });

    /** Nothing is to be done by guessing: whatever has scripts is also held against what every page must be like. */
    const look = () => walk.hasScripts && assertSound(person.page, person.troubles);

    test("the printed link makes the first owner, who is led to what comes first", async () => {
      const { page } = person;
      const [, path, secret] = registry.output.match(/(\/ui\/first-start)#(\S+)/);
      await page.goto(`${path}#${secret}`);
      // With a script it is there already.
      if (!walk.hasScripts) await page.getByLabel("Secret", { exact: false }).fill(secret);
      await page.getByLabel(/e-mail/i).fill("ada@acme.example");
      await page.getByLabel(/^your name|^name/i).first().fill("Ada");
      await page.getByLabel(/password/i).last().fill("correct horse battery");
      await look();
      await page.getByRole("button", { name: "Begin" }).click();
      await page.waitForURL(/\/ui\/main\/start$/);
      assert.equal(await page.locator("[data-mark].done").count(), 0);
      await look();
    });

    test("a host is connected with a token, after a wrong one was refused in plain words", async () => {
      const { page } = person;
      await page.getByRole("link", { name: "Connect a git host" }).click();
      await look();
      await page.getByRole("link", { name: /GitHub, by a token/ }).click();
      await page.locator("#base_url").fill(double.url);
      await page.locator("#token").fill("ghp_wrong");
      await page.getByRole("button", { name: /^Connect/ }).click();
      await page.locator(".error, [role=alert]").first().waitFor();
      await look();
      // What was typed is still there, but for the secret.
      assert.equal(await page.locator("#base_url").inputValue(), double.url);
      await page.locator("#token").fill(double.addToken({ scopes: "repo" }));
      await page.getByRole("button", { name: /^Connect/ }).click();
      await page.getByRole("link", { name: "Choose projects" }).waitFor();
      await look();
    });

    test("ten projects are ticked and become packages", async () => {
      const { page } = person;
      await page.getByRole("link", { name: "Choose projects" }).click();
      for (let number = 1; number <= PROJECTS; number += 1) await page.getByLabel(`acme/part-${number}`, { exact: true }).check();
      await look();
      await page.getByRole("button", { name: "Import what is ticked" }).click();
      await page.waitForURL(/\/jobs\/imports\//);
      const done = page.locator("table a .badge.good");
      for (const deadline = Date.now() + IMPORTED_WITHIN; (await done.count()) < PROJECTS; ) {
        assert.ok(Date.now() < deadline, `after ${IMPORTED_WITHIN / 1000} s: ${await page.locator("main").innerText()}`);
        await page.waitForTimeout(1_000);
        // With scripts the page comes up to date by itself.
        if (!walk.hasScripts) await page.reload();
      }
      await look();
      await page.goto("/ui/main/packages");
      await page.getByRole("link", { name: "acme/part-10" }).first().waitFor();
      await look();
    });

    test("a token is made, and shown once", async () => {
      const { page } = person;
      await page.goto("/ui/main/start");
      await look();
      await page.getByRole("button", { name: "Make a token that reads" }).click();
      const shown = page.locator("text=/rptd_[0-9A-Za-z]{49}/").first();
      token = (await shown.innerText()).match(/rptd_[0-9A-Za-z]{49}/)[0];
      await look();
      assert.ok(!(await page.url()).includes(token));
    });

    test("the commands of the page install a package, and the last steps turn green", async () => {
      const { page } = person;
      const commands = (await page.locator("pre").allInnerTexts()).map((text) => text.replace(/\s*Copy$/, "").trim());
      const of = (part) => commands.find((command) => command.startsWith("composer ") && command.includes(part)) ?? assert.fail(`no command has ${part}: ${commands.join("\n")}`);
      const project = await emptyProject();
      await project.run(of(" repositories."));
      await project.run(of(" http-basic."));
      await project.run(of(" require ").replace(/require \S+/, "require acme/part-1"));
      const installed = JSON.parse(await readFile(join(project.folder, "vendor/composer/installed.json"), "utf8"));
      assert.deepEqual(installed.packages.map(({ name, version }) => [name, version]), [["acme/part-1", "v1.1.0"]]);
      await page.goto("/ui/main/start");
      for (const deadline = Date.now() + NOTICED_WITHIN; (await page.locator("[data-mark].done").count()) < 5; ) {
        assert.ok(Date.now() < deadline, `after ${NOTICED_WITHIN / 1000} s: ${await page.locator("main").innerText()}`);
        await page.waitForTimeout(1_000);
        if (!walk.hasScripts) await page.reload();
      }
      await look();
      assert.deepEqual(person.troubles, []);
    });
  });

/** A folder with a composer.json that has nothing in it, and a Composer that nobody has told anything. */
async function emptyProject() {
  const own = await inFolder(`project-${Math.random().toString(36).slice(2)}`);
  const project = await ComposerProject.create(own, { repositories: [], client: clients.at(-1) });
  return {
    folder: project.folder,
    run: (command) => {
      const [program, ...words] = command.match(/"[^"]*"|'[^']*'|\S+/g).map((word) => word.replace(/^['"]|['"]$/g, ""));
      assert.equal(program, "composer");
      return project.succeed(...words);
    },
  };
}

async function inFolder(name) {
  const path = join(folder, name);
  await mkdir(path);
  return path;
}
