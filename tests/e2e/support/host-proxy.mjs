// A proxy that leads names to servers of ours: for what has the names of its hosts built in. What passes is encrypted, and stays so.
import { createServer } from "node:http";
import { connect } from "node:net";
import { once } from "node:events";

export class HostProxy {
  #server;
  #sockets = new Set();

  /** `hosts` are names, all of which lead to `port` of this machine; to any other nobody is let through. */
  static async start(hosts, port) {
    const proxy = new HostProxy();
    proxy.#server = createServer((_, response) => response.writeHead(405).end());
    proxy.#server.on("connect", (request, socket) => proxy.#lead(hosts, port, request, socket));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #lead(hosts, port, request, socket) {
    const [host] = request.url.split(":");
    if (!hosts.includes(host)) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) {
      this.#sockets.add(end);
      end.on("error", () => [socket, onward].forEach((other) => other.destroy()));
      end.on("close", () => this.#sockets.delete(end));
    }
  }
}
