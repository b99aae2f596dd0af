/** When the system is to stop. */

const PARENT_POLL_MS = 500;
const SAME_WISH_MS = 1_000;

/**
 * @typedef {object} StopRequest
 * @property {boolean} requested
 * @property {Promise<string>} promise Why, once it is requested.
 * @property {(callback: () => void) => void} onSecond Called when somebody who waits for the end asks again.
 */

/**
 * A wish to stop: Ctrl-C, SIGTERM, a closed terminal or pipe, or the death of the npm that started this.
 * @returns {StopRequest}
 */
export function stopRequest() {
  const request = { requested: false, promise: Promise.resolve(''), onSecond: (_callback) => {} };
  let second = () => {};
  request.onSecond = (callback) => {
    second = callback;
  };
  request.promise = new Promise((resolve) => {
    let askedAt = 0;
    const ask = (why) => {
      request.requested = true;
      askedAt ||= performance.now();
      resolve(why);
    };
    const onSignal = (signal) => {
      // One Ctrl-C arrives twice: the terminal tells the whole group, and npm hands on what it was told.
      if (request.requested && performance.now() - askedAt > SAME_WISH_MS) second();
      ask(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ask('nobody reads what it prints'));
    watchParent(() => ask('npm has gone'));
  });
  return request;
}

function watchParent(gone) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, PARENT_POLL_MS);
  poll.unref();
}
