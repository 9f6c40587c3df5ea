// Faults on demand: refusals with a waiting time, outages, and requests that hang until the test lets them go.
// A refusal with a waiting time is kept up until the time has passed; who asks again earlier is refused again and written down.
import { STATUS_CODES } from "node:http";

export class Faults {
  #planned = [];
  #holds = [];
  /** Paths that were asked for again before the waiting time had passed. A patient client leaves this empty. */
  impatient = [];

  /** 429 with Retry-After: GitHub's secondary limit. `underWay` more requests may come early: they had not heard of it. */
  refuseWithRetryAfter(pattern, seconds, { underWay = 0 } = {}) {
    this.#planned.push({
      pattern,
      seconds,
      underWay,
      reply: () => refusal(429, "You have exceeded a secondary rate limit. Please wait.", { "retry-after": String(seconds) }),
    });
  }

  /** 403 with the rate-limit headers: GitHub's primary limit. The reset is a whole epoch second, as there. */
  refuseUntilReset(pattern, seconds) {
    const plan = {
      pattern,
      seconds,
      reply: (until) =>
        refusal(403, "API rate limit exceeded for user ID 1.", {
          "x-ratelimit-limit": "5000",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-used": "5000",
          "x-ratelimit-reset": String(Math.ceil(until / 1000)),
          "x-ratelimit-resource": "core",
        }),
    };
    this.#planned.push(plan);
  }

  /** An error with nothing to wait for, `times` times; with Infinity until `mend`. */
  breakDown(pattern, { status = 500, times = 1 } = {}) {
    this.#planned.push({ pattern, times, reply: () => refusal(status, STATUS_CODES[status]) });
  }

  /** Ends the endless break-downs. */
  mend() {
    this.#planned = this.#planned.filter((plan) => plan.times !== Infinity);
  }

  /** Keeps matching requests waiting. `reached` resolves with the first one's path; `release()` lets all of them go on. */
  hold(pattern) {
    const hold = { pattern };
    hold.reached = new Promise((resolve) => {
      hold.arrive = resolve;
    });
    hold.gate = new Promise((resolve) => {
      hold.open = resolve;
    });
    hold.release = () => {
      this.#holds = this.#holds.filter((other) => other !== hold);
      hold.open();
    };
    this.#holds.push(hold);
    return hold;
  }

  releaseAll() {
    for (const hold of [...this.#holds]) hold.release();
  }

  /** Planned faults that no request has met yet: a test that ends with some has not tested what it says. */
  get pending() {
    return this.#planned.filter((plan) => plan.until === undefined).map((plan) => String(plan.pattern));
  }

  async apply(path) {
    for (const hold of this.#holds.filter((candidate) => candidate.pattern.test(path))) {
      hold.arrive(path);
      await hold.gate;
    }
    const now = Date.now();
    this.#planned = this.#planned.filter((plan) => plan.until === undefined || plan.until > now);
    const plan = this.#planned.find((candidate) => candidate.pattern.test(path));
    if (!plan) return undefined;
    if (plan.times !== undefined) {
      plan.times -= 1;
      if (plan.times === 0) this.#planned = this.#planned.filter((other) => other !== plan);
    } else if (plan.until === undefined) {
      plan.until = now + plan.seconds * 1000;
    } else if (plan.underWay > 0) {
      plan.underWay -= 1;
    } else {
      this.impatient.push(path);
    }
    return plan.reply(plan.until);
  }
}

function refusal(status, message, headers = {}) {
  const body = JSON.stringify({ message, documentation_url: "https://docs.github.com/rest" });
  return { status, headers: { "content-type": "application/json; charset=utf-8", ...headers }, body };
}
