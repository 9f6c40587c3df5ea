// A POST whose answer may come before the whole body is sent: fetch would report the broken pipe, a person wants the answer.
import { request } from "node:http";

/** Resolves with {status, text}. */
export function post(url, body, headers) {
  return new Promise((resolve, reject) => {
    let answered = false;
    const call = request(url, { method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    call.on("response", (response) => {
      answered = true;
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    call.on("error", (error) => {
      if (!answered) reject(error);
    });
    call.end(body);
  });
}
