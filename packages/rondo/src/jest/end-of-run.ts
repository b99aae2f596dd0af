/** A leak has failed its test file by now: it shall not keep the run from ending as well. */
export default function endOfRun(): void {
  // Unref'd: it fires only where something else keeps the process alive. Jest sets the exit code as it goes.
  setTimeout(() => process.exit(), 3_000).unref();
}
