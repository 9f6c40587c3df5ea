// The sample package: what is uploaded on the first start, so that there is something to install at once.

import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { projectFolder } from "./paths.mjs";
import { zip } from "./zip.mjs";

export const samplePackage = "repertoire/hello";
export const sampleVersion = "1.0.0";

const sampleFolder = join(projectFolder, "samples", "hello");

export function zipSample() {
  return zip(
    readdirSync(sampleFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .map((path) => ({ name: relative(sampleFolder, path).split(sep).join("/"), bytes: readFileSync(path) })),
  );
}
