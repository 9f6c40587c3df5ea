// The registry, and at `/memory` how many bytes of WebAssembly memory its isolate has. Memory only grows, so that two looks
// tell of all that was between them.
import { memoryBytes } from "./memory.js";
import registry from "../../../build/edge/index.js";

export default {
  fetch(request, environment, context) {
    if (new URL(request.url).pathname === "/memory") return new Response(String(memoryBytes()));
    return registry.fetch(request, environment, context);
  },
};
