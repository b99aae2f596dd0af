/** When the system is to stop. */

const PARENT_POLL_MS = 500;
const SAME_WISH_MS = 1_000;

/**
 * @typedef {object} StopRequest
 * @property {AbortSignal} signal Aborts when it is to stop; its reason says why.
 * @property {Promise<string>} promise Why, once it is requested.
 * @property {(callback: () => void) => void} onSecond Called when somebody who waits for the end asks again.
 */

/**
 * A wish to stop: Ctrl-C, SIGTERM, a closed terminal or pipe, or the death of what started this.
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
    // One Ctrl-C arrives twice: the terminal tells the whole group, and npm hands on what it was told.
    if (signal.aborted && performance.now() - askedAt > SAME_WISH_MS) second();
    ask(name);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, onSignal);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ask('nobody reads what it prints'));
  watchParent(ask);
  return {
    signal,
    promise: new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true })),
    onSecond: (callback) => {
      second = callback;
    },
  };
}

function watchParent(gone) {
  if (process.send !== undefined) process.on('disconnect', () => gone('what started it has gone')).channel?.unref();
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid !== parent) gone('npm has gone');
  }, PARENT_POLL_MS);
  poll.unref();
}
