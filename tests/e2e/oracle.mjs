// Composer's MetadataMinifier, asked about a p2 document: see support/oracle.php.
import { fileURLToPath } from "node:url";
import { runOrThrow } from "./support/process.mjs";

/** {given, expanded, minified} of one package in the document (its text). */
export async function judge(document, name) {
  const script = fileURLToPath(new URL("support/oracle.php", import.meta.url));
  return JSON.parse(await runOrThrow("php", [script], { input: document, env: process.env }))[name];
}
