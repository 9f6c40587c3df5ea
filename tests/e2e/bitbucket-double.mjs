// A stand-in for Bitbucket Cloud: the projects and the server of GitHub's double, with Bitbucket's own answers. API and website are one server here.
// With a certificate it speaks of itself by the real names, which Composer's driver has built in: a proxy leads them here.
import { randomUUID } from "node:crypto";
import { GitHubDouble } from "./github-double.mjs";
import { BitbucketAnswers } from "./bitbucket-answers.mjs";

/** The names that a certificate has to be for. */
export const bitbucketHosts = ["api.bitbucket.org", "bitbucket.org"];

export class BitbucketDouble extends GitHubDouble {
  static answers = { api: (double, request, body) => new BitbucketAnswers(double, request, body).answer() };
  /** No page has more than this, whatever `pagelen` says. */
  pageSize = 2;
  /** Webhooks by their UUID. */
  hooks = new Map();

  static basePath() {
    return "";
  }

  static async start(options) {
    const double = await super.start(options);
    double.websiteUrl = options.certificate ? "https://bitbucket.org" : double.origin;
    double.apiUrl = `${options.certificate ? "https://api.bitbucket.org" : double.origin}/2.0`;
    return double;
  }

  /** An API token, which goes with its e-mail address; without one an access token, which goes alone. */
  addToken({ login = "ada", email, scopes = ["read:repository:bitbucket"] } = {}) {
    const token = (email ? "ATATT3" : "ATCTT3") + randomUUID().replaceAll("-", "");
    this.tokens.set(token, { login, email, scopes });
    return token;
  }

  uuidOf({ id }) {
    return `{00000000-0000-4000-8000-${String(id).padStart(12, "0")}}`;
  }

  findByUuid(uuid) {
    return [...this.projects.values()].find((project) => this.uuidOf(project) === uuid);
  }
}
