// Webhook deliveries as GitLab sends them: with the secret token in clear, or signed, with an id and a time.
import { createHmac, randomUUID } from "node:crypto";

const nothing = "0".repeat(40);

/** `object` is what the ref points at (a tag object, where there is one), `commit` what that leads to. */
export function pushPayload(project, { ref, before = nothing, object = nothing, commit = null }) {
  const kind = ref.startsWith("refs/tags/") ? "tag_push" : "push";
  return {
    object_kind: kind,
    event_name: kind,
    before,
    after: object,
    ref,
    checkout_sha: commit,
    project_id: project.id,
    project: { id: project.id, path_with_namespace: project.fullName, default_branch: project.defaultBranch },
    commits: [],
    total_commits_count: 0,
  };
}

/** Sends a delivery to `{url, secret, signing_token}` (a connection's webhook); returns {status, text}. */
export async function deliver({ url, secret, signing_token }, payload, { isSigned = false, delivery = randomUUID() } = {}) {
  const body = JSON.stringify(payload);
  const headers = {
    "content-type": "application/json",
    "user-agent": "GitLab/18.6",
    "x-gitlab-event": payload.object_kind === "tag_push" ? "Tag Push Hook" : "Push Hook",
    "x-gitlab-webhook-uuid": randomUUID(),
    "idempotency-key": delivery,
  };
  if (isSigned) {
    const sent = String(Math.floor(Date.now() / 1000));
    const key = Buffer.from(signing_token.replace("whsec_", ""), "base64");
    const signature = createHmac("sha256", key).update(`${delivery}.${sent}.${body}`).digest("base64");
    Object.assign(headers, { "webhook-id": delivery, "webhook-timestamp": sent, "webhook-signature": `v1,${signature}` });
  } else {
    headers["x-gitlab-token"] = secret;
  }
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}
