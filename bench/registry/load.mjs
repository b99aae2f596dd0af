import { fork } from 'node:child_process';
import { once } from 'node:events';
import { takeAlong } from './children.mjs';

/** Starts a process of load. What it is asked, load-main.mjs answers. */
export function startLoad() {
  const child = fork(new URL('./load-main.mjs', import.meta.url), { serialization: 'advanced' });
  takeAlong(child);
  const waiting = new Map();
  let asked = 0;
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`a process of load ended with ${code}`));
    waiting.clear();
  });
  return {
    pid: child.pid,
    ask: (command, argument) =>
      new Promise((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve, reject });
        child.send({ id: asked, command, argument });
      }),
    /** Stops it where it stands, or lets it go on. */
    signal: (signal) => child.kill(signal),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
