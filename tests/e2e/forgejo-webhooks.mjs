// Webhook deliveries as Forgejo sends them: its own headers, those of Gitea and Gogs, which it comes from, and GitHub's for those who know no others.
import { createHmac, randomUUID } from "node:crypto";

const nothing = "0".repeat(40);

/** Of a branch that is deleted there is no push, only `delete`. For an annotated tag `after` is the tag object. */
export function pushPayload(double, project, { ref, before = nothing, after = nothing }) {
  return { ref, before, after, compare_url: "", commits: [], total_commits: 0, head_commit: null, ...surroundings(double, project) };
}

/** `ref` is the short name here, unlike in a push. */
export function deletePayload(double, project, { ref, refType = "tag" }) {
  return { ref, ref_type: refType, pusher_type: "user", ...surroundings(double, project) };
}

/** Sends a delivery to `{url, secret}` (a connection's webhook). `signature` replaces the right one; returns {status, text}. */
export async function deliver({ url, secret }, event, payload, { delivery = randomUUID(), signature } = {}) {
  const body = JSON.stringify(payload);
  const digits = signature ?? createHmac("sha256", secret).update(body).digest("hex");
  const headers = { "content-type": "application/json" };
  for (const product of ["forgejo", "gitea", "gogs", "github"]) {
    headers[`x-${product}-delivery`] = delivery;
    headers[`x-${product}-event`] = event;
    headers[`x-${product}-event-type`] = event;
    if (product !== "github") headers[`x-${product}-signature`] = digits;
  }
  headers["x-hub-signature-256"] = `sha256=${digits}`;
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

function surroundings(double, project) {
  const [owner, name] = project.fullName.split("/");
  const page = `${double.origin}/${project.fullName}`;
  return {
    repository: {
      id: project.id,
      name,
      full_name: project.fullName,
      owner: { login: owner },
      private: !project.isPublic,
      archived: project.archived,
      html_url: page,
      clone_url: `${page}.git`,
      default_branch: project.defaultBranch,
    },
    sender: { login: "ada" },
  };
}
