// The Composer clients that users have: this machine's own and a newest one. What is about the client's behaviour runs with each.
import { provideComposers } from "../../scripts/composers.mjs";

/** `{ binary, version }`, the oldest first. */
export const clients = await provideComposers();

/** Whether the client is at least of this version: `isAtLeast(client, 2, 10)`. */
export function isAtLeast({ version }, major, minor) {
  const [theirMajor, theirMinor] = version.split(".").map(Number);
  return theirMajor > major || (theirMajor === major && theirMinor >= minor);
}

/** The client's version in a form that can stand in the name of a package: `2-11`. */
export function slugOf({ version }) {
  return version.split(".").slice(0, 2).join("-");
}
