// The registry with its bindings wrapped, so that each answer tells how often they were called for it, and what was counted of it.
// For one request at a time: the counters are the isolate's.
import registry from "../../../build/edge/index.js";

const counted = {
  DB: { d1: ["prepare"], d1Batches: ["batch"] },
  CACHE: { kvReads: ["get"], kvWrites: ["put"] },
  BLOBS: { r2Reads: ["get", "head"], r2Writes: ["put"] },
};
let counters;
let points;
let wrappedEnvironment;

function wrap(target, kinds) {
  return new Proxy(target, {
    get(_, property) {
      const value = target[property];
      if (typeof value !== "function") return value;
      return (...parameters) => {
        for (const [kind, names] of Object.entries(kinds)) if (names.includes(property)) counters[kind] += 1;
        const result = value.apply(target, parameters);
        return property === "withSession" ? wrap(result, kinds) : result;
      };
    },
  });
}

function wrapEnvironment(environment) {
  const wrapped = Object.fromEntries(Object.entries(counted).map(([name, kinds]) => [name, wrap(environment[name], kinds)]));
  const ANALYTICS = { writeDataPoint: (point) => points.push(point) };
  return { ...environment, ...wrapped, ANALYTICS };
}

export default {
  async fetch(request, environment, context) {
    wrappedEnvironment ??= wrapEnvironment(environment);
    counters = { d1: 0, d1Batches: 0, kvReads: 0, kvWrites: 0, r2Reads: 0, r2Writes: 0 };
    points = [];
    const response = await registry.fetch(request, wrappedEnvironment, context);
    const told = new Response(response.body, response);
    told.headers.set("x-operations", JSON.stringify(counters));
    told.headers.set("x-points", JSON.stringify(points));
    return told;
  },
};
