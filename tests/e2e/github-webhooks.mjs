// Webhook deliveries as GitHub sends them: payloads by event, headers, and the signature over the very bytes that are sent.
import { createHmac, randomUUID } from "node:crypto";

const nothing = "0".repeat(40);

export function pushPayload(double, project, { ref, before = nothing, after = nothing, forced = false }) {
  const [created, deleted] = [before === nothing, after === nothing];
  return {
    ref,
    before,
    after,
    created,
    deleted,
    forced,
    base_ref: null,
    compare: `${double.origin}/${project.fullName}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: [],
    head_commit: deleted ? null : { id: after, timestamp: "2024-01-01T00:00:00Z", message: "Change" },
    pusher: { name: "ada", email: "ada@example.org" },
    ...surroundings(double, project),
  };
}

/** `ref` is the short name here, unlike in a push. */
export function createPayload(double, project, { ref, refType = "tag" }) {
  return {
    ref,
    ref_type: refType,
    master_branch: project.defaultBranch,
    description: null,
    pusher_type: "user",
    ...surroundings(double, project),
  };
}

export function deletePayload(double, project, { ref, refType = "tag" }) {
  return { ref, ref_type: refType, pusher_type: "user", ...surroundings(double, project) };
}

export function renamePayload(double, project) {
  const [, formerName] = project.formerNames.at(-1).split("/");
  return { action: "renamed", changes: { repository: { name: { from: formerName } } }, ...surroundings(double, project) };
}

export function pingPayload(double, project) {
  return {
    zen: "Keep it logically awesome.",
    hook_id: 1,
    hook: { type: "Repository", id: 1, name: "web", active: true, events: ["*"] },
    ...surroundings(double, project),
  };
}

/** Sends a delivery to `{url, secret}` (a connection's webhook). `signature: null` leaves it out, a text replaces it; returns {status, text}. */
export async function deliver({ url, secret }, event, payload, { delivery = randomUUID(), signature } = {}) {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const right = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers = {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/044aadd",
    accept: "*/*",
    "x-github-event": event,
    "x-github-delivery": delivery,
    "x-github-hook-id": "1",
  };
  if (signature !== null) headers["x-hub-signature-256"] = signature ?? right;
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

function surroundings(double, project) {
  const [owner, name] = project.fullName.split("/");
  return {
    repository: {
      id: project.id,
      name,
      full_name: project.fullName,
      owner: { login: owner },
      private: !project.isPublic,
      archived: project.archived,
      html_url: `${double.origin}/${project.fullName}`,
      clone_url: `${double.origin}/${project.fullName}.git`,
      default_branch: project.defaultBranch,
    },
    sender: { login: "ada", type: "User" },
  };
}
