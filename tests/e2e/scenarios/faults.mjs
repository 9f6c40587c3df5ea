// A git host on a bad day. Each fault is met once and lived through; world-wide checks at the end see to patience and discretion.
import { test } from "node:test";
import assert from "node:assert/strict";
import { greeterFiles } from "../fixtures.mjs";
import { sha1 } from "../world.mjs";

export default function faults(world) {
  // The registry waits for a host with the whole connection, so each bad day is had by a connection that nobody else uses.
  const importAlone = async (project) =>
    world.importProject(project, { connection: await world.connect(world.double.addToken({ scopes: "repo" })) });

  /** A project with one tag, and the faults planned for it before it is imported. */
  async function importUnder(name, plan) {
    const project = await world.double.addProject(name);
    await project.repository.commit({ files: greeterFiles(name, "survived"), tags: ["v1.0.0"] });
    await plan(world.double, project);
    const job = await importAlone(project);
    const found = await world.package(name);
    const release = found.versions.find((entry) => entry.version === "v1.0.0");
    const dist = await world.get(`dist/${name}/${release.reference}.zip`);
    assert.equal(dist.status, 200);
    assert.equal(sha1(dist.bytes), release.dist.shasum);
    assert.deepEqual(
      dist.bytes,
      await project.repository.archive(release.reference, `${name.replace("/", "-")}-${release.reference.slice(0, 7)}/`),
      "the bytes are the host's",
    );
    assert.equal(job.progress.failed, 0);
    return project;
  }

  test("an archive that ends too early is fetched again", async () => {
    const name = "acme/truncated";
    await importUnder(name, (double, project) => double.truncateNextArchive(project));
    assert.equal(world.double.countRequests(/^\/acme\/truncated\/legacy\.zip\//), 2);
  });

  test("429 with Retry-After is waited for", async () => {
    await importUnder("acme/limited", (double, project) =>
      double.faults.refuseWithRetryAfter(new RegExp(`/(repos/acme/limited|repositories/${project.id})/zipball/`), 2),
    );
  });

  test("while one archive is refused with a waiting time no other is asked for", async () => {
    const name = "acme/patient";
    const project = await world.double.addProject(name);
    const tags = Array.from({ length: 20 }, (_, index) => `v1.${index}.0`);
    await project.repository.commit(...tags.map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] })));
    const archives = new RegExp(`/repositories/${project.id}/zipball/`);
    // A batch of the queue has five messages, which run side by side, and a second batch may have begun. That the others wait
    // is what the last test looks at.
    world.double.faults.refuseWithRetryAfter(archives, 3, { underWay: 9 });
    const job = await importAlone(project);
    assert.equal(job.progress.imported, 21);
  });

  test("the rate limit is waited for until its reset", async () => {
    await importUnder("acme/exhausted", (double, project) =>
      double.faults.refuseUntilReset(new RegExp(`/(repos/acme/exhausted|repositories/${project.id})/tags`), 2),
    );
  });

  test("a host that breaks down once is asked again", async () => {
    await importUnder("acme/flaky", (double, project) =>
      double.faults.breakDown(new RegExp(`/(repos/acme/flaky|repositories/${project.id})/zipball/`)),
    );
  });

  test("a large archive of unknown length comes in whole", async () => {
    const name = "acme/large";
    const project = await world.double.addProject(name);
    // Noise does not compress: the archive is larger than two parts of an upload in parts.
    const noise = Buffer.alloc(18 * 1024 * 1024);
    for (let index = 0, state = 1; index < noise.length; index += 4)
      noise.writeUInt32LE((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), index);
    await project.repository.commit({ files: { ...greeterFiles(name, "large"), "noise.bin": noise }, tags: ["v1.0.0"] });
    await importAlone(project);
    const { reference, dist: facts } = (await world.package(name)).versions.find((entry) => entry.version === "v1.0.0");
    const dist = await world.get(`dist/${name}/${reference}.zip`);
    assert.equal(dist.bytes.length, facts.size);
    assert.equal(sha1(dist.bytes), facts.shasum);
    assert.ok(facts.size > 16 * 1024 * 1024);
  });
}
