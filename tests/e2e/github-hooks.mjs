// Webhooks as GitHub keeps them, of repositories and of organisations: registered by its API, and delivered to where they were registered, signed with
// the secret that was given then.
import { deliver, pushPayload } from "./github-webhooks.mjs";

const pageSize = 2;
const mostHooks = 20;

export class Hooks {
  /** {id, place, config, events, active}; `place` is `repositories/700001` or `orgs/acme`. */
  all = [];
  #last = 500_000;

  at(place) {
    return this.all.filter((hook) => hook.place === place);
  }

  /** Answers `[METHOD] {place}/hooks[/{id}]`; returns {status, value, next} with what is to be said as JSON. */
  answer(place, { method, id, page, body }) {
    const known = this.at(place).find((hook) => hook.id === id);
    if (id !== undefined && !known) return { status: 404 };
    if (method === "GET" && id === undefined) {
      const hooks = this.at(place);
      const shown = hooks.slice((page - 1) * pageSize, page * pageSize).map(shownHook);
      return { status: 200, value: shown, next: hooks.length > page * pageSize };
    }
    if (method === "POST" && id === undefined) return this.#create(place, JSON.parse(body));
    if (method === "PATCH" && known) {
      const { config, events, active } = JSON.parse(body);
      Object.assign(known, config && { config }, events && { events }, active !== undefined && { active });
      return { status: 200, value: shownHook(known) };
    }
    if (method === "DELETE" && known) {
      this.all = this.all.filter((hook) => hook !== known);
      return { status: 204 };
    }
    return { status: 404 };
  }

  #create(place, { name, config, events, active = true }) {
    const invalid = (message) => ({ status: 422, value: { message: "Validation Failed", errors: [{ resource: "Hook", code: "custom", message }] } });
    if (name !== "web" || !config?.url) return invalid("name must be `web`, and config must have a url");
    const hooks = this.at(place);
    if (hooks.some((hook) => hook.config.url === config.url)) return invalid("Hook already exists on this repository");
    if (hooks.length >= mostHooks) return invalid('The "push" event cannot have more than 20 hooks');
    const hook = { id: (this.#last += 1), place, config, events, active };
    this.all.push(hook);
    return { status: 201, value: shownHook(hook) };
  }

  /** Tells of a push by all hooks of the project and of its owner; returns the answers. */
  tellOfPush(double, project, push) {
    const [owner] = project.fullName.split("/");
    const hooks = [...this.at(`repositories/${project.id}`), ...this.at(`orgs/${owner}`)];
    const heard = hooks.filter((hook) => hook.active && hook.events.includes("push"));
    return Promise.all(heard.map(({ config }) => deliver(config, "push", pushPayload(double, project, push))));
  }
}

/** Nobody is shown a secret. */
function shownHook({ id, config, events, active }) {
  return { type: "Repository", id, name: "web", active, events, config: { ...config, secret: "********" } };
}
