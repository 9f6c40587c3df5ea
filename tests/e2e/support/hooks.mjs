// The webhooks that are registered at a double, kept by project; each host's double shows them in its own words.

export class Hooks {
  #last = 500;
  #byProject = new Map();

  /** The hooks of a project, in the order of their making. */
  list(project) {
    return [...this.#of(project).values()];
  }

  find(project, id) {
    return this.#of(project).get(Number(id));
  }

  /** Registers a hook and gives it an id; no two hooks of one double have the same. */
  add(project, hook) {
    const id = (this.#last += 1);
    const made = { ...hook, id };
    this.#of(project).set(id, made);
    return made;
  }

  remove(project, id) {
    return this.#of(project).delete(Number(id));
  }

  #of(project) {
    if (!this.#byProject.has(project.id)) this.#byProject.set(project.id, new Map());
    return this.#byProject.get(project.id);
  }
}
