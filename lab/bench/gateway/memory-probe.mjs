// Loaded into the gateway before its own code: answers each message of the parent with the memory that is in use.
process.on('message', () => {
  globalThis.gc();
  process.send(process.memoryUsage());
});
// The gateway may end while its parent still listens.
process.channel?.unref();
