// `git clone` by HTTP: git's own http-backend, spoken to as CGI.
import { spawn } from "node:child_process";

/** Answers a request for `path` (what follows the repository's address) of the bare repository in `folder`. */
export function answerGit(folder, path, request, response) {
  const url = new URL(path, "http://git");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => {}); // git may have read enough.
  request.pipe(child.stdin);
  return new Promise((resolve, reject) => {
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf("\r\n\r\n");
      if (end < 0) return reject(new Error(`git http-backend answered nothing to ${request.method} ${path}`));
      const headers = output.subarray(0, end).toString().split("\r\n").map((line) => line.split(/:\s*/, 2));
      const status = Number(/^\d+/.exec(headers.find(([name]) => name === "Status")?.[1] ?? "200")[0]);
      const body = output.subarray(end + 4);
      response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== "Status")));
      response.end(body);
      resolve(status);
    });
  });
}
