export { createEmulator } from "emulate";
