// Loaded into wrangler by `node --import`: ends its whole process group when the process that started it is gone,
// even if that one was killed and could not say goodbye. The channel to it then closes.

process.on("disconnect", () => process.kill(0, "SIGTERM"));
