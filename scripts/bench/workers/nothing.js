// The smallest Worker of all: it reads nothing and answers one status.
export default {
  fetch(request, env) {
    return new Response(null, { status: env.STATUS });
  },
};
