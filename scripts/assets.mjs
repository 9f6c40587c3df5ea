// Puts the files of `assets/` where the platform's assets binding finds them: made small, and named by the first eight digits
// of the SHA-256 of the file as it is in `assets/`, which is what `build.rs` has the program say.
//
//   node scripts/assets.mjs FOLDER

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";

import { transform } from "esbuild";

import { projectFolder } from "./paths.mjs";

const folder = join(process.argv[2] ?? "build/assets", "assets");
const source = join(projectFolder, "assets");
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(source)) {
  const bytes = readFileSync(join(source, name));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const ending = extname(name);
  const loader = { ".css": "css", ".js": "js" }[ending];
  const small = loader ? (await transform(bytes.toString("utf8"), { loader, minify: true })).code : bytes;
  writeFileSync(join(folder, `${name.slice(0, -ending.length)}.${hash}${ending}`), small);
}
