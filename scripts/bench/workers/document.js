// The smallest Worker that does what a registry must do for a document: one read of KV, streamed as the answer.
export default {
  async fetch(request, env) {
    return new Response(await env.CACHE.get(env.KEY, "stream"), { headers: { "content-type": "application/json" } });
  },
};
