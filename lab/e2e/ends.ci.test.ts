import { createConnection, type Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { root, start } from '@rondo/harness';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Listens, and is stopped before it accepts anything: once its queue is full, Linux answers no further connection attempt. */
const LISTENER = `const server = require('node:net').createServer();
server.listen(0, '127.0.0.1', 1, () => console.log('port ' + server.address().port));`;
/** More than the queue holds. */
const ATTEMPTS = 8;

const isLinux = process.platform === 'linux';
if (!isLinux)
  process.stdout.write('SKIPPED: the host that does not answer: only Linux drops attempts beyond the queue\n');
(isLinux ? it : it.skip)(
  'rondo call ends with its call, and not with its connection attempt to a host that does not answer',
  async () => {
    const listener = start(process.execPath, ['-e', LISTENER]);
    const [, port = ''] = await listener.printed(/port (\d+)/);
    listener.signal('SIGSTOP');
    try {
      // The kernel gives up the attempts in the order in which they began.
      const gaveUp = new Promise<'gave up'>((resolve) => {
        for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
          const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
          sockets.push(socket.on('error', () => resolve('gave up')));
        }
      });
      const address = ['--address', `127.0.0.1:${port}`, '--timeout', '500ms'];
      const call = start(process.execPath, [`${root}/scripts/rondo.mjs`, 'call', 'a.B/C', '{}', ...address]);
      const ended = call.ended.then(({ code, stderr }) => ({ code, stderr }));
      expect(await Promise.race([ended, gaveUp])).toEqual({
        code: 1,
        stderr: expect.stringContaining(`127.0.0.1:${port}`),
      });
    } finally {
      await listener.stop('SIGKILL');
    }
  },
);
