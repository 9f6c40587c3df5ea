// Keeps hold of the program's memory, which its script shows to nobody. To be imported before it.
const memories = [];
const { Instance } = WebAssembly;

WebAssembly.Instance = class extends Instance {
  constructor(...parameters) {
    super(...parameters);
    if (this.exports.memory) memories.push(this.exports.memory);
  }
};

/** Bytes of WebAssembly memory in this isolate. */
export function memoryBytes() {
  return memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}
