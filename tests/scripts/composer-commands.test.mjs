import assert from "node:assert/strict";
import test from "node:test";

import { composerCommands } from "../../scripts/composer-commands.mjs";

test("over http Composer is told to allow it", () => {
  const [add, authenticate, require_] = composerCommands({ url: "http://localhost:8787", token: "rep_x", package_: "repertoire/hello" });
  assert.match(add, /composer config secure-http false && composer config repositories\.repertoire composer http:\/\/localhost:8787$/);
  assert.equal(authenticate, "composer config http-basic.localhost:8787 token rep_x");
  assert.equal(require_, "composer require repertoire/hello");
});

test("over https nothing is loosened", () => {
  const [add, authenticate] = composerCommands({ url: "https://packages.acme.example", token: "rep_x" });
  assert.ok(!add.includes("secure-http"));
  assert.equal(authenticate, "composer config http-basic.packages.acme.example token rep_x");
});
