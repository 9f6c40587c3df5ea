// A proxy that writes down what passes: Composer is told to use it by `http_proxy`, so its requests are what they would be without.
import { createServer, request as send } from "node:http";
import { once } from "node:events";

export class RequestLog {
  #server;
  #entries = [];
  /** Called with each answer's `{url, body}`. */
  #inspect;

  /** Of this machine's; none where each request goes where it is meant to. */
  #port;

  /** With `port` every host name leads to that port of this machine, as the DNS would have it; `Host` stays as it is. */
  static async start({ inspect = () => {}, port } = {}) {
    const log = new RequestLog();
    log.#inspect = inspect;
    log.#port = port;
    log.#server = createServer((request, response) => log.#pass(request, response));
    log.#server.listen(0, "127.0.0.1");
    await once(log.#server, "listening");
    log.url = `http://127.0.0.1:${log.#server.address().port}`;
    return log;
  }

  /** All since the last time this was asked, in the order in which they came: "GET /r/main/packages/packages.json 200". */
  take() {
    const lines = this.#entries.map(({ method, path, status }) => `${method} ${path} ${status}`);
    this.#entries = [];
    return lines;
  }

  /** The same, each with its host: "packages.example.com /packages.json 200". */
  takeWithHosts() {
    const lines = this.#entries.map(({ host, path, status }) => `${host} ${path} ${status}`);
    this.#entries = [];
    return lines;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(request, response) {
    // What is sent to a proxy has the whole address on its first line.
    const url = new URL(request.url);
    const path = url.pathname + url.search;
    const entry = { method: request.method, host: url.hostname, path, status: undefined };
    this.#entries.push(entry);
    const { method, headers } = request;
    const there = this.#port === undefined ? { host: url.hostname, port: url.port } : { host: "127.0.0.1", port: this.#port };
    const onward = send({ ...there, path, method, headers }, (answer) => {
      entry.status = answer.statusCode;
      response.writeHead(answer.statusCode, answer.headers);
      const chunks = [];
      answer.on("data", (chunk) => {
        chunks.push(chunk);
        response.write(chunk);
      });
      answer.on("end", () => {
        this.#inspect({ url: request.url, body: Buffer.concat(chunks) });
        response.end();
      });
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }
}
