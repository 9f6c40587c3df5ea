// The consumer, which does one job a request, and runs statements for those who fill a database.
//
// While an instance is filled, what is published is kept in memory and given away at the end: of documents only those that
// somebody will ask for, of the nodes of trees only the last ones. The stand-ins for KV and R2 take a millisecond and more
// for each, which would be most of an hour for 50,000 packages.
import consumer from "../../../build/whole/index.js";

/** Blobs by hash: their bytes, and of which package they are a document, if they are. */
const held = new Map();

export default {
  async fetch(request, environment, context) {
    const { pathname } = new URL(request.url);
    const { sql, parameters = [], job, isHeld, root, wanted } = await request.json();
    switch (pathname) {
      case "/query": {
        const { results } = await environment.DB.prepare(sql).bind(...parameters).all();
        return Response.json(results);
      }
      case "/consume":
        return Response.json(await consume(job, isHeld ? { ...environment, ...keeping(environment) } : environment, context));
      case "/forget":
        forget(root);
        return Response.json(held.size);
      default:
        return Response.json(await give(environment, new Set(wanted)));
    }
  },
};

/** Milliseconds, or what came of it otherwise. */
async function consume(job, environment, context) {
  let outcome = "nothing";
  const settle = (name) => () => {
    outcome = name;
  };
  const message = { body: JSON.stringify(job), attempts: 1, ack: settle("done"), retry: settle("retry") };
  await consumer.queue({ queue: "repertoire-jobs", messages: [message] }, environment, context);
  return outcome;
}

function keeping({ CACHE, BLOBS }) {
  return {
    CACHE: {
      async get(key, ...options) {
        return held.get(key.slice(2))?.bytes ?? CACHE.get(key, ...options);
      },
      async put(key, bytes) {
        keep(key.slice(2), bytes);
      },
    },
    BLOBS: {
      async get(key, ...options) {
        const bytes = held.get(key.slice("blobs/".length))?.bytes;
        return bytes ? { size: bytes.byteLength, arrayBuffer: async () => bytes } : BLOBS.get(key, ...options);
      },
      async put(key, bytes) {
        keep(key.slice("blobs/".length), bytes);
        return {};
      },
    },
  };
}

function keep(hash, given) {
  if (held.has(hash)) return;
  // The program goes on to use its own memory for something else.
  const bytes = new Uint8Array(given).slice();
  const text = new TextDecoder().decode(bytes);
  const packages = text.startsWith("{") ? JSON.parse(text).packages : undefined;
  held.set(hash, { bytes: bytes.buffer, document: packages && Object.keys(packages)[0] });
}

/** Drops the nodes that the root of this hash does not lead to. */
function forget(root) {
  const reached = new Set();
  const follow = (hash) => {
    const found = held.get(hash);
    if (!found || reached.has(hash)) return;
    reached.add(hash);
    if (found.document) return;
    for (const next of new TextDecoder().decode(found.bytes).match(/[0-9a-f]{64}/g) ?? []) follow(next);
  };
  follow(root);
  for (const hash of held.keys()) if (!reached.has(hash)) held.delete(hash);
}

/** Puts what was kept where it belongs, and has nothing any more. */
async function give({ CACHE, BLOBS }, wanted) {
  let given = 0;
  for (const [hash, { bytes, document }] of held) {
    if (document && !wanted.has(document)) continue;
    await BLOBS.put(`blobs/${hash}`, bytes);
    await CACHE.put(`b:${hash}`, bytes);
    given += 1;
  }
  held.clear();
  return given;
}
