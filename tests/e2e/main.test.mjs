// The scenarios on one registry: the real Composer on one side, a GitHub with real git repositories on the other.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "./clients.mjs";
import { World } from "./world.mjs";
import connections from "./scenarios/connections.mjs";
import imports from "./scenarios/imports.mjs";
import hooks from "./scenarios/hooks.mjs";
import webhooks from "./scenarios/webhooks.mjs";
import refs from "./scenarios/refs.mjs";
import policies from "./scenarios/policies.mjs";
import faults from "./scenarios/faults.mjs";
import jobs from "./scenarios/jobs.mjs";
import metadata from "./scenarios/metadata.mjs";
import dists from "./scenarios/dists.mjs";
import tokens from "./scenarios/tokens.mjs";
import people from "./scenarios/people.mjs";
import pages from "./scenarios/pages.mjs";
import badCredentials from "./scenarios/bad-credentials.mjs";
import visibility from "./scenarios/visibility.mjs";
import discovery from "./scenarios/discovery.mjs";
import composer1 from "./scenarios/composer-1.mjs";
import settings from "./scenarios/settings.mjs";
import uploads from "./scenarios/uploads.mjs";
import customers from "./scenarios/customers.mjs";
import cli from "./scenarios/cli.mjs";
import organisations from "./scenarios/organisations.mjs";
import lifeCycle from "./scenarios/life-cycle.mjs";
import tenants from "./scenarios/tenants.mjs";
import hosts from "./scenarios/hosts.mjs";
import history from "./scenarios/history.mjs";
import upkeep from "./scenarios/upkeep.mjs";
import restart from "./scenarios/restart.mjs";
import kill from "./scenarios/kill.mjs";
import replay from "./scenarios/replay.mjs";
import plainGit from "./scenarios/plain-git.mjs";
import traps from "./scenarios/traps.mjs";
import gitlab from "./scenarios/gitlab.mjs";
import githubApps from "./scenarios/github-apps.mjs";
import forgejo from "./scenarios/forgejo.mjs";
import bitbucket from "./scenarios/bitbucket.mjs";
import bitbucketServer from "./scenarios/bitbucket-server.mjs";
import importMany from "./scenarios/import-many.mjs";
import monorepo from "./scenarios/monorepo.mjs";
import { openShop } from "./scenarios/clients/shop.mjs";
import versions from "./scenarios/clients/versions.mjs";
import questions from "./scenarios/clients/questions.mjs";
import locks from "./scenarios/clients/locks.mjs";
import requests from "./scenarios/clients/requests.mjs";
import surroundings from "./scenarios/clients/surroundings.mjs";

const world = new World();
// Outside of all hooks: a registry that does not start is one error and not one for each test.
await world.start();

describe("Repertoire", () => {
  after(() => world.stop());

  // Most of a sync is waiting: for a batch of the queue, for what an isolate remembers, for a fault to pass. But there is one
  // queue and one processor for all: of too many at once none gets to its end in time.
  describe("side by side", { concurrency: 8 }, () => {
    // The tests of these are side by side as well: each has a package of its own.
    const loose = { hooks, webhooks, refs, faults, traps };
    for (const [name, scenario] of Object.entries(loose)) describe(name, { concurrency: 6 }, () => scenario(world));
    const ordered = { cli, composer1, settings, discovery, replay, metadata, history, jobs, tokens, people, pages, dists, uploads, organisations, lifeCycle, tenants, hosts, customers, connections, gitlab, forgejo, bitbucket, bitbucketServer, importMany, githubApps, plainGit };
    for (const [name, scenario] of Object.entries(ordered)) describe(name, { concurrency: false }, () => scenario(world));
  });

  // Not beside `faults`, which counts how many messages are at work when a host refuses: these send a great many.
  describe("policies", { concurrency: true }, () => policies(world));

  // What is about a client's behaviour, with each client that there is.
  describe("clients", { concurrency: true }, () => {
    const shop = {};
    before(async () => Object.assign(shop, await openShop(world)));
    const scenarios = { versions, questions, locks, requests, surroundings };
    for (const client of clients)
      describe(`Composer ${client.version}`, { concurrency: true }, () => {
        for (const [name, scenario] of Object.entries(scenarios))
          describe(name, { concurrency: false }, () => scenario(world, client, shop));
      });
  });

  // One fills the queue, one compares answers to the byte, two change what all others stand on.
  const alone = { imports, visibility, upkeep, restart, kill, badCredentials };
  for (const [name, scenario] of Object.entries(alone)) describe(name, () => scenario(world));

  test("no credentials ever reached the archive host", () => {
    assert.ok(world.double.archivesServed > 100);
    assert.deepEqual(world.double.leaks, []);
  });

  test("no token was ever part of an answer or of an address", () => {
    assert.ok(world.searched > 1000);
    assert.deepEqual(world.leaks, []);
  });

  test("the git host was never asked again before a waiting time had passed, and no planned fault was left over", () => {
    assert.deepEqual(world.double.faults.impatient, []);
    assert.deepEqual(world.double.faults.pending, []);
  });
});
