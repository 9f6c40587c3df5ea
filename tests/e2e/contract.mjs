// Holds what the API answers against its description. Each answer that the tests see goes through here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const document = JSON.parse(readFileSync(new URL("../../src/http/api/openapi.json", import.meta.url), "utf8"));

// Keywords of OpenAPI are none of JSON Schema's.
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
for (const format of ["uint16", "uint32", "uint64", "uint"]) ajv.addFormat(format, true);
ajv.addSchema(document, "openapi");

// The longest literal part first: `imports/preview` before `imports/{id}`.
const templates = Object.keys(document.paths)
  .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`) }))
  .sort((one, other) => one.path.split("{").length - other.path.split("{").length);

const validators = new Map();

/** Throws when an answer is another than the description promises. */
export function checkAnswer({ method, path, status, contentType, text }) {
  const [bare] = path.split("?");
  const found = templates.find(({ pattern }) => pattern.test(bare));
  const operation = found && document.paths[found.path][method === "HEAD" ? "get" : method.toLowerCase()];
  // What leads nowhere, or has no such method, is a problem like any other.
  const key = operation?.responses[status] ? `${method} ${found.path} ${status}` : "problem";
  if (key === "problem") {
    assert.ok(status >= 400, `${method} ${path} answered ${status}, of which its description knows nothing: ${text}`);
    assert.equal(contentType, "application/problem+json", `${method} ${path} answered ${status}: ${text}`);
  }
  if (!validators.has(key)) validators.set(key, compile(operation, found, status, key, method));
  const validate = validators.get(key);
  if (validate === undefined) {
    assert.equal(text, "", `${method} ${path} answered ${status} with a body, of which its description knows nothing`);
    return;
  }
  if (method === "HEAD") return;
  const valid = validate(JSON.parse(text));
  assert.ok(valid, `${method} ${path} answered ${status} otherwise than described: ${ajv.errorsText(validate.errors)}\n${text}`);
}

function compile(operation, found, status, key, method) {
  if (key === "problem") return ajv.compile({ $ref: "openapi#/components/schemas/Problem" });
  if (operation.responses[status].content === undefined) return undefined;
  const steps = ["paths", found.path, method === "HEAD" ? "get" : method.toLowerCase(), "responses", status, "content", "application/json", "schema"];
  const pointer = steps.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1")).map(encodeURIComponent);
  return ajv.compile({ $ref: `openapi#/${pointer.join("/")}` });
}
