// Jobs can be watched, stopped and tried again.
import { test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";

export default function jobs(world) {
  test("a job that runs can be cancelled, and retried to the end", async () => {
    const name = "acme/cancelled";
    const project = await world.double.addProject(name);
    await project.repository.commit(
      ...["v1.0.0", "v1.1.0", "v1.2.0"].map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] })),
    );
    const hold = world.double.faults.hold(/^\/acme\/cancelled\/legacy\.zip\//);
    const { job } = await world.addPackage(project);
    await hold.reached;
    const running = await world.job(job.id);
    assert.equal(running.state, "running");
    assert.ok(running.progress.done < running.progress.total);
    const cancelled = await world.expect(200, "POST", `/orgs/main/jobs/${job.id}/cancel`);
    assert.equal(cancelled.state, "cancelled");
    hold.release();
    const retried = await world.expect(200, "POST", `/orgs/main/jobs/${job.id}/retry`);
    await world.jobDone(retried.id);
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.2.0");
  });

  test("one ref that fails for good is reported and does not stop the others; a retry mends it", async () => {
    const name = "acme/half";
    const project = await world.double.addProject(name);
    await project.repository.commit(...["v1.0.0", "v1.1.0"].map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] })), {
      files: greeterFiles(name, "main"),
    });
    const commit = await project.repository.resolve("v1.0.0");
    // The host lists the commit but has no archive of it: asking again at once would not help.
    world.double.faults.breakDown(new RegExp(`/zipball/${commit}`), { status: 404, times: Infinity });
    const { job } = await world.addPackage(project);
    const ended = await world.jobEnded(job.id);
    assert.equal(ended.state, "failed");
    assert.equal(ended.progress.failed, 1);
    const failed = ended.refs.find((ref) => ref.ref === "refs/tags/v1.0.0");
    assert.equal(failed.state, "failed");
    assert.match(failed.reason, new RegExp(`no archive of commit .${commit}.; it may have been pushed over`));
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.1.0"]);

    world.double.faults.mend();
    const retried = await world.expect(200, "POST", `/orgs/main/jobs/${job.id}/retry`);
    await world.jobDone(retried.id);
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0", "v1.1.0"]);
  });

  test("a job that is not there is not found", async () => {
    await world.expect(404, "GET", "/orgs/main/jobs/nothing");
  });
}
