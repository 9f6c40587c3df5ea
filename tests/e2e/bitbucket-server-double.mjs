// A stand-in for Bitbucket Data Center, installed below a path: the projects and the server of GitHub's double, with answers of its own.
import { randomUUID } from "node:crypto";
import { BitbucketServerAnswers } from "./bitbucket-server-answers.mjs";
import { GitHubDouble } from "./github-double.mjs";

export class BitbucketServerDouble extends GitHubDouble {
  static answers = { api: (double, request) => new BitbucketServerAnswers(double, request).answer() };
  /** No page has more than this, whatever `limit` says. */
  pageSize = 2;

  static basePath() {
    return "/bitbucket";
  }

  /** An HTTP access token. */
  addToken({ login = "ada" } = {}) {
    const token = `BBDC-${randomUUID().replaceAll("-", "")}`;
    this.tokens.set(token, { login });
    return token;
  }
}
