// The registry with bindings that fail for a request that says which: `x-failing: BLOBS CACHE`.
// For one request at a time: what fails is the isolate's.
import registry from "../../../build/edge/index.js";

const asked = { DB: ["batch"], CACHE: ["get", "put"], BLOBS: ["get", "head", "put"] };
let failing = [];
let wrappedEnvironment;

function wrap(name, target) {
  return new Proxy(target, {
    get(_, property) {
      const value = target[property];
      if (typeof value !== "function") return value;
      return (...parameters) => {
        if (failing.includes(name) && asked[name].includes(property)) return Promise.reject(new Error(`the wire to ${name} is cut`));
        const result = value.apply(target, parameters);
        return property === "withSession" ? wrap(name, result) : result;
      };
    },
  });
}

export default {
  async fetch(request, environment, context) {
    wrappedEnvironment ??= { ...environment, ...Object.fromEntries(Object.keys(asked).map((name) => [name, wrap(name, environment[name])])) };
    failing = (request.headers.get("x-failing") ?? "").split(" ");
    return registry.fetch(request, wrappedEnvironment, context);
  },
};
