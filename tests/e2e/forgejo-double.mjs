// A stand-in for Forgejo, and for Gitea, whose API it shares: the projects and servers of GitHub's double, with answers of its own.
// It gives archives itself, without a length while it makes them, and with one from then on.
import { GitHubDouble } from "./github-double.mjs";
import { ForgejoAnswers } from "./forgejo-answers.mjs";
import { Hooks } from "./support/hooks.mjs";

export class ForgejoDouble extends GitHubDouble {
  static answers = { api: (double, request, body) => new ForgejoAnswers(double, request, body).answer() };
  /** No page has more entries than this, whatever `limit` says: `max_response_items` of the instance. */
  pageSize = 50;
  hooks = new Hooks();
  /** Archives that were made once: `project id/commit`. */
  madeArchives = new Set();

  static basePath() {
    return "";
  }

  /** An access token with these scopes. */
  addToken({ login = "ada", scopes = ["read:repository", "read:user"] } = {}) {
    const token = super.addToken({ login, scopes }).replace("ghp_", "");
    this.tokens.set(token, { login, scopes });
    return token;
  }
}
