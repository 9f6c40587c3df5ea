// The smallest Worker that sends an archive: one read of R2, streamed as the answer.
export default {
  async fetch(request, env) {
    const object = await env.BLOBS.get(env.KEY);
    return new Response(object.body, { headers: { "content-length": object.size, "content-type": "application/zip" } });
  },
};
