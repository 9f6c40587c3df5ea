// What happens once in the life of an instance: the first organisation, repository and administrator, and the sample package.

import { setTimeout as delay } from "node:timers/promises";

import { samplePackage, sampleVersion, zipSample } from "./sample.mjs";

const PUBLISHED_WITHIN_MILLISECONDS = 30_000;
const PUBLISHED_INTERVAL_MILLISECONDS = 300;

/**
 * Makes the first organisation, repository and admin token. Returns `{ token, repository_url, … }`,
 * or nothing when it was done before.
 */
export async function setUp({ url, setupSecret, adminToken }) {
  const response = await fetch(`${url}/api/v1/setup`, {
    method: "POST",
    headers: { authorization: `Bearer ${setupSecret}`, "content-type": "application/json" },
    body: JSON.stringify({ organisation: "main", repository: "packages", token: adminToken }),
  });
  const text = await response.text();
  if (response.status === 409) return undefined;
  if (response.status !== 201) throw new Error(`the set-up was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Whether nobody has used the link to the first start yet: its page still has the form. */
export async function isWithoutOwner(url) {
  const response = await fetch(`${url}/ui/first-start`);
  const text = await response.text();
  return response.status === 200 && text.includes('name="secret"');
}

/** Uploads the sample package and returns when Composer can see it. Harmless when it is there already. */
export async function uploadSample({ repositoryUrl, token }) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${repositoryUrl}/upload/${samplePackage}/${sampleVersion}`, {
    method: "PUT",
    headers: { ...headers, "content-type": "application/zip" },
    body: zipSample(),
  });
  const text = await response.text();
  if (response.status !== 201 && response.status !== 200) {
    throw new Error(`the upload of ${samplePackage} was answered ${response.status}: ${text}`);
  }
  // Publishing is the queue's work: the commands that are printed next must find the package.
  const deadline = Date.now() + PUBLISHED_WITHIN_MILLISECONDS;
  while (Date.now() < deadline) {
    const document = await fetch(`${repositoryUrl}/p2/${samplePackage}.json`, { headers });
    const body = await document.text();
    if (document.status === 200 && body.includes(`"${sampleVersion}"`)) return;
    await delay(PUBLISHED_INTERVAL_MILLISECONDS);
  }
  throw new Error(`${samplePackage} was uploaded but is not published after ${PUBLISHED_WITHIN_MILLISECONDS / 1000} s`);
}
