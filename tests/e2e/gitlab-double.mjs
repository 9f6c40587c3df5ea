// A stand-in for GitLab, installed below a path: the projects and servers of GitHub's double, with GitLab's own answers.
// It is as unsure of its own address as an instance behind a proxy: its links to the next page name another host.
import { GitHubDouble } from "./github-double.mjs";
import { GitLabAnswers } from "./gitlab-answers.mjs";
import { Hooks } from "./support/hooks.mjs";

export class GitLabDouble extends GitHubDouble {
  static answers = { api: (double, request, body) => new GitLabAnswers(double, request, body).answer() };
  /** No page has more refs than this, whatever `per_page` says. */
  pageSize = 100;
  hooks = new Hooks();

  static basePath() {
    return "/gitlab";
  }

  get clonePattern() {
    return /^\/gitlab\/(?<name>.+?)\.git(?<rest>\/.*)$/;
  }

  /** A personal access token with these scopes. */
  addToken({ login = "ada", scopes = ["read_api"] } = {}) {
    const token = super.addToken({ login, scopes }).replace("ghp_", "glpat-");
    this.tokens.set(token, { login, scopes });
    return token;
  }
}
