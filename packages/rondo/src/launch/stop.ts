/** Requests to stop the system: Ctrl-C, SIGTERM, a closed terminal or pipe, or the end of the parent process. */

const PARENT_POLL_MS = 500;
const SAME_REQUEST_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type StopRequest = ReturnType<typeof stopRequest>;

export function stopRequest() {
  const controller = new AbortController();
  const signal: AbortSignal = controller.signal;
  let second = () => {};
  let askedAt = 0;
  const ask = (why: string) => {
    askedAt ||= performance.now();
    controller.abort(why);
  };
  const onSignal = (name: string) => {
    // One Ctrl-C arrives twice: the terminal signals the whole process group, and npm forwards the signal.
    if (signal.aborted && performance.now() - askedAt > SAME_REQUEST_MS) second();
    ask(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ask('its output was closed'));
  watchParent(ask);
  return {
    /** Aborts when a stop is requested; its reason says why. */
    signal,
    /** Resolves to the reason when a stop is requested. */
    promise: new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
    }),
    /** Sets what a second request does, which ends everything at once. */
    onSecond(callback: () => void): void {
      second = callback;
    },
    /** From now on a signal ends this process. */
    close(): void {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

function watchParent(gone: (why: string) => void): void {
  if (process.send !== undefined) process.on('disconnect', () => gone('its parent has ended')).channel?.unref();
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) gone('npm has ended');
  }, PARENT_POLL_MS).unref();
}
