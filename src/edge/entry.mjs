// What the platform calls: the program's entry points, as plain functions. A class that is made anew and looked through for
// each request costs more than most answers.
import * as program from "./index.js";

Error.stackTraceLimit = 100;
const state = program.__worker_init_state();

/** After a panic memory is as it was in the middle of something: whoever comes next gets a fresh instance. */
function restart() {
  console.log(JSON.stringify({ level: "info", message: "The program starts anew after a panic" }));
  program.__wbg_reset_state();
  state.criticalError = false;
  state.instanceId += 1;
}

/** A panic tells of itself; what else ends an instance is a trap. */
function note(error) {
  if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
}

addEventListener("error", ({ error }) => note(error));

const called = (entry) => (event, env, context) => {
  if (state.criticalError) restart();
  try {
    return entry(event, env, context);
  } catch (error) {
    note(error);
    throw error;
  }
};

// The program of the edge takes neither queue nor cron.
const entries = ["fetch", "queue", "scheduled"].filter((name) => name in program);
export default Object.fromEntries(entries.map((name) => [name, called(program[name])]));
