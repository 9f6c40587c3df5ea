import assert from "node:assert/strict";
import test from "node:test";

import { findAddresses, findDatabaseId, findNamespaceId, listSecretNames, planSecrets, readArguments } from "../../scripts/deploy-plan.mjs";

test("a database and a namespace are found by their exact names", () => {
  const databases = '[{"uuid":"1","name":"repertoire-old"},{"uuid":"2","name":"repertoire","num_tables":3}]';
  assert.equal(findDatabaseId(databases, "repertoire"), "2");
  assert.equal(findDatabaseId("[]", "repertoire"), undefined);
  assert.equal(findNamespaceId('[{"id":"k","title":"repertoire-cache"}]', "repertoire-cache"), "k");
});

test("a remark before the list does not matter, and no list at all is an error with the text", () => {
  assert.equal(findDatabaseId('a remark [about it]\n[\n  {"uuid":"1","name":"x"}\n]\n', "x"), "1");
  assert.throws(() => findDatabaseId("please sign in", "x"), /please sign in/);
  assert.deepEqual(listSecretNames('[{"name":"ENCRYPTION_KEY","type":"secret_text"}]'), ["ENCRYPTION_KEY"]);
});

test("the address of the last deployment is read, queues and crons are not taken for one", () => {
  const lines = [
    { type: "wrangler-session", version: 1 },
    { type: "deploy", worker_name: "repertoire", targets: ["https://repertoire.acme.workers.dev", "Producer for repertoire-jobs"] },
  ];
  assert.deepEqual(findAddresses(lines.map((line) => JSON.stringify(line)).join("\n")), ["https://repertoire.acme.workers.dev"]);
  const consumer = { type: "deploy", targets: ["schedule: */5 * * * *", "Consumer for repertoire-jobs"] };
  assert.deepEqual(findAddresses(JSON.stringify(consumer)), []);
  const domain = { type: "deploy", targets: ["packages.acme.example (custom domain)"] };
  assert.deepEqual(findAddresses(JSON.stringify(domain)), ["https://packages.acme.example"]);
  assert.deepEqual(findAddresses(""), []);
});

const generate = { encryptionKey: () => "new key", setupSecret: () => "new secret" };

test("a first deployment gives the Workers that open something the same secrets", () => {
  const { values, uploads } = planSecrets({ existing: [undefined, undefined], kept: {}, generate });
  assert.deepEqual(values, { ENCRYPTION_KEY: "new key", SETUP_SECRET: "new secret" });
  assert.deepEqual(uploads, [values, values]);
});

test("a later deployment uploads nothing that is there", () => {
  const names = ["ENCRYPTION_KEY", "SETUP_SECRET"];
  const kept = { ENCRYPTION_KEY: "old key", SETUP_SECRET: "old secret" };
  assert.deepEqual(planSecrets({ existing: [names, names], kept, generate }), { values: kept, uploads: [{}, {}] });
});

test("an interrupted deployment gives the second Worker the key of the first", () => {
  const kept = { ENCRYPTION_KEY: "old key", SETUP_SECRET: "old secret" };
  const { uploads } = planSecrets({ existing: [undefined, ["ENCRYPTION_KEY", "SETUP_SECRET"]], kept, generate });
  assert.deepEqual(uploads, [kept, {}]);
});

test("from another machine the key is left alone and the set-up secret is replaced", () => {
  const names = ["ENCRYPTION_KEY", "SETUP_SECRET"];
  const { values, uploads } = planSecrets({ existing: [names, names], kept: {}, generate });
  assert.deepEqual(values, { SETUP_SECRET: "new secret" });
  assert.deepEqual(uploads, [{ SETUP_SECRET: "new secret" }, { SETUP_SECRET: "new secret" }]);
});

test("a key that only one Worker has and nobody knows is never replaced", () => {
  assert.throws(() => planSecrets({ existing: [["ENCRYPTION_KEY"], []], kept: {}, generate }), /secrets\.json/);
});

test("the arguments are a dry run and hosts, and nothing else", () => {
  assert.deepEqual(readArguments([]), { dryRun: false, host: undefined, also: [] });
  assert.deepEqual(readArguments(["--host", "packages.acme.example", "--dry-run"]), { dryRun: true, host: "packages.acme.example", also: [] });
  const many = ["--host", "packages.example.com", "--also", "a.example", "--also", "b.example"];
  assert.deepEqual(readArguments(many), { dryRun: false, host: "packages.example.com", also: ["a.example", "b.example"] });
  assert.throws(() => readArguments(["--also", "a.example:1"]), /--also.* host name/);
  assert.throws(() => readArguments(["--host", "https://packages.acme.example"]), /host name/);
  assert.throws(() => readArguments(["--host"]), /host name/);
  assert.throws(() => readArguments(["--force"]), /not known/);
});
