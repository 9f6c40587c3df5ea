// Files from memory, as late as if they came from afar, where that is wanted.

import { createServer } from "node:http";

/**
 * Serves `files` (`{ path, bytes, lastModified }`) at a loopback address, to whoever has the token, `delay` milliseconds
 * late. `take()` gives how many requests there were since it was called last.
 */
export async function startStatic({ files, token, delay = 0, port = 0 }) {
  const known = new Map(files.map((file) => [`/${file.path}`, file]));
  const expected = `Basic ${Buffer.from(`token:${token}`).toString("base64")}`;
  let requests = 0;
  const answer = (request, response) => {
    const file = known.get(new URL(request.url, "http://files").pathname);
    if (request.headers.authorization !== expected) return response.writeHead(401, { "www-authenticate": 'Basic realm="bench"' }).end();
    if (!file) return response.writeHead(404).end();
    const headers = { "last-modified": file.lastModified, "content-type": "application/json" };
    if (request.headers["if-modified-since"] === file.lastModified) return response.writeHead(304, headers).end();
    return response.writeHead(200, { ...headers, "content-length": file.bytes.length }).end(file.bytes);
  };
  const server = createServer((request, response) => {
    requests += 1;
    request.resume();
    if (delay) setTimeout(answer, delay, request, response);
    else answer(request, response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    take() {
      const taken = requests;
      requests = 0;
      return taken;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
