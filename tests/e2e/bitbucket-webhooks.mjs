// Webhook deliveries as Bitbucket Cloud and Bitbucket Data Center send them: signed where a secret is set, one delivery for all refs of a push, at Cloud
// with the same id over its attempts.
import { createHmac, randomUUID } from "node:crypto";

/** `refs` are {name: full ref, commit}; a ref without a commit was deleted. */
export function pushPayload(double, project, refs) {
  const changes = refs.map(({ name, commit }) => {
    const [, kind, short] = /^refs\/(tags|heads)\/(.+)$/.exec(name);
    const side = { type: kind === "tags" ? "tag" : "branch", name: short, target: { type: "commit", hash: commit ?? "1".repeat(40) } };
    return commit
      ? { new: side, old: null, created: true, closed: false, forced: false }
      : { new: null, old: side, created: false, closed: true, forced: false };
  });
  return { ...about(double, project), push: { changes } };
}

export function renamePayload(double, project) {
  const names = { old: project.formerNames.at(-1), new: project.fullName };
  return { ...about(double, project), changes: { full_name: names } };
}

function about(double, project) {
  return {
    actor: { type: "user", nickname: "ada" },
    repository: { type: "repository", uuid: double.uuidOf(project), full_name: project.fullName },
  };
}

/** The same of Data Center. */
export function refsChangedPayload(project, refs) {
  const nothing = "0".repeat(40);
  const changes = refs.map(({ name, commit }) => ({
    ref: { id: name, displayId: name.replace(/^refs\/\w+\//, ""), type: name.startsWith("refs/tags/") ? "TAG" : "BRANCH" },
    refId: name,
    fromHash: nothing,
    toHash: commit ?? nothing,
    type: commit ? "ADD" : "DELETE",
  }));
  return { eventKey: "repo:refs_changed", repository: place(project.id, project.fullName), changes };
}

export function modifiedPayload(project) {
  const [old, now] = [project.formerNames.at(-1), project.fullName].map((name) => place(project.id, name));
  return { eventKey: "repo:modified", old, new: now };
}

function place(id, fullName) {
  const [key, slug] = fullName.split("/");
  return { id, slug, name: slug, project: { key } };
}

/** Sends a delivery to `{url, secret}` (a connection's webhook); `signature: null` leaves it out. Returns {status, text}. */
export async function deliver({ url, secret }, event, payload, { delivery = randomUUID(), attempt = 1, signature } = {}) {
  const body = JSON.stringify(payload);
  const right = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers = {
    "content-type": "application/json",
    "user-agent": "Bitbucket-Webhooks/2.0",
    "x-event-key": event,
    "x-hook-uuid": "3d0b4a5c-0000-4000-8000-000000000001",
    "x-request-uuid": delivery,
    "x-request-id": delivery,
    "x-attempt-number": String(attempt),
  };
  if (signature !== null) headers["x-hub-signature"] = signature ?? right;
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}
