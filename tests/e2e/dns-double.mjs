// The DNS as a resolver tells it over HTTPS, in JSON: TXT records that a test sets, and names that do not exist.
import { createServer } from "node:http";
import { once } from "node:events";

export class DnsDouble {
  #server;
  #texts = new Map();

  static async start() {
    const double = new DnsDouble();
    double.#server = createServer((request, response) => double.#answer(request, response));
    double.#server.listen(0, "127.0.0.1");
    await once(double.#server, "listening");
    double.url = `http://127.0.0.1:${double.#server.address().port}/dns-query`;
    return double;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Has a name have these TXT records and no others; none take the name away. */
  set(name, ...texts) {
    if (texts.length > 0) this.#texts.set(name, texts);
    else this.#texts.delete(name);
  }

  #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const isQuestion = pathname === "/dns-query" && searchParams.get("type") === "TXT";
    if (!isQuestion || request.headers.accept !== "application/dns-json") return response.writeHead(400).end();
    const name = searchParams.get("name");
    const texts = this.#texts.get(name);
    const records = (texts ?? []).map((text) => ({ name: `${name}.`, type: 16, TTL: 60, data: `"${text}"` }));
    const answer = { Status: texts ? 0 : 3, TC: false, RD: true, RA: true, AD: false, CD: false, Question: [{ name, type: 16 }] };
    response.writeHead(200, { "content-type": "application/dns-json" });
    response.end(JSON.stringify(texts ? { ...answer, Answer: records } : answer));
  }
}
