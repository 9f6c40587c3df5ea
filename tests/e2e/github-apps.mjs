// GitHub Apps at the double: a JSON Web Token is judged by the app's public key, a token of an installation ends, and an installation sees what it was given.
import { generateKeyPairSync, randomUUID, verify } from "node:crypto";

const hour = 3_600_000;

/** An app with a key of its own. `privateKey` is the PEM that GitHub would hand out. */
export class GitHubApp {
  installations = new Map();
  #tokens;

  constructor({ id, permissions = { contents: "read", metadata: "read" }, tokens }) {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.id = id;
    this.clientId = `Iv23li${randomUUID().replaceAll("-", "").slice(0, 14)}`;
    this.slug = `app-${id}`;
    this.permissions = permissions;
    this.publicKey = publicKey;
    this.privateKey = privateKey.export({ type: "pkcs1", format: "pem" });
    this.#tokens = tokens;
  }

  /** Installs it; `projects` are those it is given. */
  install(account, projects) {
    const id = this.id * 100 + this.installations.size + 1;
    const installation = { id, account, projects, suspendedAt: null };
    this.installations.set(id, installation);
    return installation;
  }

  /** A token of an installation, as long as those that GitHub gives since 2026. */
  createToken(installation) {
    const token = `ghs_${this.id}_${randomUUID().replaceAll("-", "").repeat(40)}`;
    const endsAt = Math.floor((Date.now() + hour) / 1000) * 1000;
    this.#tokens.set(token, { installation, endsAt, mayReadContents: Boolean(this.permissions.contents) });
    return { token, endsAt };
  }

  /** All tokens so far have come to their end. */
  expireTokens() {
    for (const token of this.#tokens.values()) if (this.installations.has(token.installation?.id)) token.endsAt = 0;
  }

  countTokens() {
    return [...this.#tokens.values()].filter((token) => this.installations.has(token.installation?.id)).length;
  }

  /** The headers and the body of a delivery to the app's one address. */
  payload(installation, fields) {
    const { id, account } = installation;
    return { ...fields, installation: { id, node_id: `I_${id}`, account: { login: account, type: "Organization" } } };
  }
}

/** What an app asks for itself; undefined where the path is another. */
export function answerApp(double, request, path) {
  const match = /^\/app(?<rest>\/.*)?$/.exec(path.split("?")[0]);
  if (!match) return undefined;
  const [, token] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const judged = judge(double, token ?? "");
  if (judged.refusal) return problem(401, judged.refusal);
  const { app } = judged;
  const rest = match.groups.rest ?? "";
  if (rest === "" && request.method === "GET") return json(200, describeApp(double, app));
  if (rest === "/installations" && request.method === "GET")
    return json(200, [...app.installations.values()].map((installation) => describe(double, app, installation)));
  const one = /^\/installations\/(?<id>\d+)(?<action>\/access_tokens)?$/.exec(rest);
  const installation = one && app.installations.get(Number(one.groups.id));
  if (!installation) return problem(404, "Not Found");
  if (!one.groups.action && request.method === "GET") return json(200, describe(double, app, installation));
  if (!one.groups.action || request.method !== "POST") return problem(404, "Not Found");
  if (installation.suspendedAt) return problem(403, "This installation has been suspended");
  const made = app.createToken(installation);
  return json(201, {
    token: made.token,
    expires_at: new Date(made.endsAt).toISOString().replace(".000Z", "Z"),
    permissions: app.permissions,
    repository_selection: "selected",
  });
}

/** Why a token of an installation is not taken; undefined for any other token, and for one that is. */
export function refuseInstallation(token) {
  if (!token.installation) return undefined;
  if (token.endsAt <= Date.now()) return problem(401, "Bad credentials");
  if (token.installation.suspendedAt) return problem(403, "This installation has been suspended");
  return undefined;
}

export function isGiven(token, project) {
  return !token.installation || token.installation.projects.includes(project);
}

/** The app that signed a JSON Web Token, or GitHub's words for why it is none of any. */
function judge(double, token) {
  const unreadable = { refusal: "A JSON web token could not be decoded" };
  const [header, claims, signature, ...more] = token.split(".");
  if (!signature || more.length > 0) return unreadable;
  const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
  let named, said;
  try {
    [named, said] = [read(header), read(claims)];
  } catch {
    return unreadable;
  }
  if (named.alg !== "RS256") return unreadable;
  const app = double.apps.find(({ id, clientId }) => said.iss === clientId || said.iss === id);
  if (!app) return { refusal: "Integration not found" };
  if (!verify("RSA-SHA256", Buffer.from(`${header}.${claims}`), app.publicKey, Buffer.from(signature, "base64url"))) return unreadable;
  const now = Date.now() / 1000;
  if (!Number.isInteger(said.iat) || said.iat > now)
    return { refusal: "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued" };
  if (!Number.isInteger(said.exp) || said.exp <= now)
    return { refusal: "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires" };
  if (said.exp > now + 600) return { refusal: "'Expiration time' claim ('exp') is too far in the future" };
  return { app };
}

function describeApp(double, app) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    name: `App ${app.id}`,
    owner: { login: "acme", type: "Organization" },
    html_url: `${double.origin}/apps/${app.slug}`,
    permissions: app.permissions,
    events: ["push", "create", "delete", "repository"],
    installations_count: app.installations.size,
  };
}

function describe(double, app, installation) {
  return {
    id: installation.id,
    account: { login: installation.account, type: "Organization" },
    repository_selection: "selected",
    access_tokens_url: `${double.url}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${double.url}/installation/repositories`,
    html_url: `${double.origin}/organizations/${installation.account}/settings/installations/${installation.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_type: "Organization",
    permissions: app.permissions,
    events: ["push", "create", "delete", "repository"],
    suspended_at: installation.suspendedAt,
  };
}

function json(status, value) {
  return { status, headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(value) };
}

function problem(status, message) {
  return json(status, { message, documentation_url: "https://docs.github.com/rest", status: String(status) });
}
