// The body of a request that arrived at a double, and the size of what it answered.

export async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Counts the bytes of an answer's body into `record.bytes`. */
export function countBytes(response, record) {
  record.bytes = 0;
  for (const name of ["write", "end"]) {
    const send = response[name].bind(response);
    response[name] = (chunk, ...rest) => {
      if (typeof chunk === "string" || chunk instanceof Uint8Array) record.bytes += Buffer.byteLength(chunk);
      return send(chunk, ...rest);
    };
  }
  return response;
}
