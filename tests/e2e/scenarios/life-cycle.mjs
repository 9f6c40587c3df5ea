// What a person takes back, as each client sees it: a version that is yanked and put back, deprecated, a package that is
// abandoned, a version that is deleted.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { clients, slugOf } from "../clients.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

export default function lifeCycle(world) {
  const repository = () => world.registry.repository("cycle", "packages");
  const api = (status, method, path, body) => world.expect(status, method, `/orgs/cycle${path}`, body);
  let token;

  before(async () => {
    await world.expect(201, "POST", "/orgs", { slug: "cycle", name: "Cycle" });
    await api(201, "POST", "/repositories", { slug: "packages" });
    ({ token } = await world.createToken({}, "cycle"));
  });

  for (const client of clients) {
    // A name is an organisation's, and what is done to it would show to the other clients.
    const name = `cycle/greeter-${slugOf(client)}`;
    const title = `Composer ${client.version}`;
    const version = (number) => `/packages/${name}/versions/${number}`;
    let fresh, locked;

    /** What the metadata has, the newest first. */
    async function offered() {
      const answer = await world.get(`p2/${name}.json`, { repository: repository(), token });
      return answer.json().packages[name];
    }

    /** Ten seconds are the promise. */
    const within = (what, holds) => until(what, async () => holds(await offered()), { deadline: 10_000 });
    const offersSoon = (...versions) =>
      within(`the metadata does not have ${versions}`, (entries) => entries.map((entry) => entry.version).join() === versions.join());

    test(`${title}: three releases, and a lock file that has the second`, async () => {
      for (const number of ["1.0.0", "1.1.0", "1.2.0"]) await world.upload(name, number, greeterFiles(name, number), repository());
      await offersSoon("1.2.0", "1.1.0", "1.0.0");
      fresh = await world.composer({ repository: repository(), token, client });
      await fresh.require(`${name}:^1.0`);
      assert.equal(await fresh.php(greet), "1.2.0");
      locked = await world.composer({ repository: repository(), token, client, require: { [name]: "1.2.0" } });
      await locked.update();
    });

    test(`${title}: of a yanked version, update takes the next lower one, and its lock file installs it with nothing cached`, async () => {
      await api(200, "POST", `${version("1.2.0")}/yank`);
      await offersSoon("1.1.0", "1.0.0");
      assert.match(await fresh.update(), new RegExp(`Downgrading ${name} \\(1\\.2\\.0 => 1\\.1\\.0\\)`));
      assert.equal(await fresh.php(greet), "1.1.0");
      await locked.forgetEverythingButTheLock();
      await locked.install();
      assert.equal(await locked.php(greet), "1.2.0");
      // Nobody can choose it any more.
      const { code, output } = await locked.run("update");
      assert.notEqual(code, 0);
      assert.match(output, new RegExp(`requires ${name} 1\\.2\\.0`));
    });

    test(`${title}: what is put back is chosen again, and is the same archive`, async () => {
      const before = await locked.locked(name);
      await api(200, "DELETE", `${version("1.2.0")}/yank`);
      await offersSoon("1.2.0", "1.1.0", "1.0.0");
      assert.match(await fresh.update(), new RegExp(`Upgrading ${name} \\(1\\.1\\.0 => 1\\.2\\.0\\)`));
      assert.deepEqual((await fresh.locked(name)).dist, before.dist);
    });

    test(`${title}: a deprecated version is installed with its message, and another one without`, async () => {
      await api(200, "PUT", `${version("1.2.0")}/deprecation`, { message: "loses data on Windows", use: "^1.1" });
      await within("it is not deprecated", ([entry]) => Boolean(entry.abandoned));
      const output = await fresh.update();
      assert.match(output, new RegExp(`Package ${name} is abandoned.*Use ${name} \\^1\\.1 \\(loses data on Windows\\) instead`, "s"));
      const other = await world.composer({ repository: repository(), token, client });
      assert.doesNotMatch(await other.require(`${name}:1.1.0`), /abandoned/);
      await api(200, "DELETE", `${version("1.2.0")}/deprecation`);
      await within("it is still deprecated", ([entry]) => !entry.abandoned);
      assert.doesNotMatch(await fresh.update(), /abandoned/);
    });

    test(`${title}: an abandoned package is installed, and what to use instead is said`, async () => {
      await api(200, "PATCH", `/packages/${name}`, { abandoned: "cycle/successor" });
      await within("it is not abandoned", ([entry]) => entry.abandoned === "cycle/successor");
      const output = await fresh.update();
      assert.match(output, new RegExp(`Package ${name} is abandoned.*Use cycle/successor instead`, "s"));
      assert.equal(await fresh.php(greet), "1.2.0");
      await api(200, "PATCH", `/packages/${name}`, { abandoned: null });
      await within("it is still abandoned", ([entry]) => !entry.abandoned);
    });

    test(`${title}: a version is deleted by whoever types its name again, and is gone for lock files too`, async () => {
      await api(422, "DELETE", version("1.2.0"), { confirm: name });
      await api(204, "DELETE", version("1.2.0"), { confirm: `${name} 1.2.0` });
      await offersSoon("1.1.0", "1.0.0");
      assert.match(await fresh.update(), new RegExp(`Downgrading ${name} \\(1\\.2\\.0 => 1\\.1\\.0\\)`));
      const { dist } = await locked.locked(name);
      await until("its archive is still there", async () => (await world.get(dist.url, { token })).status === 404, { deadline: 30_000 });
      await locked.forgetEverythingButTheLock();
      const { code, output } = await locked.run("install");
      assert.notEqual(code, 0, output);
      assert.match(output, /404/);
      // What is in the way is said where a client prints what it was answered.
      assert.match((await world.get(dist.url, { token })).json().warning, /This archive is not here/);
      // Its number is given to nothing else.
      const body = await world.zip(greeterFiles(name, "other contents"));
      const again = await world.get(`upload/${name}/1.2.0`, { repository: repository(), method: "PUT", body });
      assert.equal(again.status, 409, again.text);
    });
  }
}
