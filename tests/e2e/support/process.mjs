// Runs a program to its end. Tests judge exit codes and output, so both always come back, together and in the order they were written.
import { spawn } from "node:child_process";

/** Resolves with {code, output, stdout}; `stdout` is a Buffer because archives are bytes. */
export function run(program, args, { cwd, env, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    const stdout = [];
    const both = [];
    child.stdout.on("data", (chunk) => {
      stdout.push(chunk);
      both.push(chunk);
    });
    child.stderr.on("data", (chunk) => both.push(chunk));
    child.stdin.on("error", () => {}); // A program may exit without reading its input; its exit code tells the story.
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output: Buffer.concat(both).toString(), stdout: Buffer.concat(stdout) }));
    child.stdin.end(input);
  });
}

/** The same for programs that must succeed: a failure carries what the program printed. */
export async function runOrThrow(program, args, options) {
  const result = await run(program, args, options);
  if (result.code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${result.code}:\n${result.output}`);
  return result.stdout;
}
