import { fork } from 'node:child_process';
import { once } from 'node:events';
import { takeAlong } from './children.mjs';

/**
 * Starts a process that answers what it is asked (answer.mjs), and ends with this one.
 *
 * @param main its file, as a URL.
 * @param options `env` and `args` of its own; it inherits no other variable than PATH where `env` is given.
 */
export function startChild(main, { env, args = [] } = {}) {
  const given = env && { env: { PATH: process.env.PATH, ...env } };
  const child = fork(main, args, { serialization: 'advanced', ...given });
  takeAlong(child);
  const waiting = new Map();
  let asked = 0;
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values())
      reject(new Error(`a process that was asked ended with ${code ?? signal}`));
    waiting.clear();
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid,
    ask: (command, argument) =>
      new Promise((resolve, reject) => {
        if (hasEnded()) {
          reject(new Error('a process that has ended was asked'));
          return;
        }
        asked += 1;
        waiting.set(asked, { resolve, reject });
        child.send({ id: asked, command, argument });
      }),
    /** Stops it where it stands, or lets it go on. */
    signal: (signal) => child.kill(signal),
    async close() {
      if (hasEnded()) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
