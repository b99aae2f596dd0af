/** Fails a test file that leaves behind what would keep a process alive: a timer, a socket, a server, a child. */
import { TestEnvironment } from 'jest-environment-node';

/** A bound on what is closing, and no measure: a machine may be busy. */
const graceMs = 10_000;
/** Jest's own, and what the loader has under way. */
const harmless = new Set([
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'PipeWrap',
  'TTYWrap',
  'Immediate',
  'MessagePort',
]);

/** How many of each kind, as Node names them; what is unref'd doesn't count. */
function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!harmless.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

export default class LeakFreeEnvironment extends TestEnvironment {
  #before = activeResources();
  #failed = false;

  handleTestEvent({ name }: { readonly name: string }): void {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.#failed = true;
  }

  override async teardown(): Promise<void> {
    const leaked = await this.#leaks();
    await super.teardown();
    // A test that failed has left its clean-up out, most likely, and an error here would take the place of its own.
    if (leaked.length > 0 && !this.#failed) throw new Error(`The tests of this file left behind: ${leaked.join(', ')}`);
  }

  /** What closes does so over some turns of the event loop: only what outlives the grace is a leak. */
  async #leaks(): Promise<readonly string[]> {
    const deadline = performance.now() + graceMs;
    for (;;) {
      const leaked = [...activeResources()]
        .map(([kind, count]) => ({ kind, count: count - (this.#before.get(kind) ?? 0) }))
        .filter(({ count }) => count > 0)
        .map(({ kind, count }) => `${count} ${kind}`);
      if (leaked.length === 0 || performance.now() > deadline) return leaked;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
