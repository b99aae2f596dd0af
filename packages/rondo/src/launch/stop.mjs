/** Requests to stop the system. */

const PARENT_POLL_MS = 500;
const SAME_REQUEST_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * @typedef {object} StopRequest
 * @property {AbortSignal} signal Aborts when a stop is requested; its reason says why.
 * @property {Promise<string>} promise Resolves to the reason when a stop is requested.
 * @property {(callback: () => void) => void} onSecond Sets a callback for a second request, which ends everything at once.
 * @property {() => void} close From now on a signal ends this process.
 */

/**
 * Listens for requests to stop: Ctrl-C, SIGTERM, a closed terminal or pipe, or the end of the parent process.
 * @returns {StopRequest}
 */
export function stopRequest() {
  const controller = new AbortController();
  const { signal } = controller;
  let second = () => {};
  let askedAt = 0;
  const ask = (why) => {
    askedAt ||= performance.now();
    controller.abort(why);
  };
  const onSignal = (name) => {
    // One Ctrl-C arrives twice: the terminal signals the whole process group, and npm forwards the signal.
    if (signal.aborted && performance.now() - askedAt > SAME_REQUEST_MS) second();
    ask(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ask('its output was closed'));
  watchParent(ask);
  return {
    signal,
    promise: new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true })),
    onSecond: (callback) => {
      second = callback;
    },
    close() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

function watchParent(gone) {
  if (process.send !== undefined) process.on('disconnect', () => gone('its parent has ended')).channel?.unref();
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid !== parent) gone('npm has ended');
  }, PARENT_POLL_MS);
  poll.unref();
}
