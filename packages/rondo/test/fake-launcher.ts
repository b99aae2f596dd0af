import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** What a launcher is asked. */
export interface Asked {
  readonly command: string;
}

/** A launcher on a data folder of its own. It writes the lines of `replyTo`, and ends the connection; for none it never answers. */
export async function startFakeLauncher(replyTo: (request: Asked) => readonly (object | string)[]) {
  const data = mkdtempSync(path.join(tmpdir(), 'rondo-launcher-'));
  const requests: Asked[] = [];
  const server = createServer((connection) => {
    connection.on('error', () => undefined); // the other side may leave first
    createInterface({ input: connection }).on('line', (line) => {
      const request = JSON.parse(line);
      requests.push(request);
      const replies = replyTo(request).map((reply) => (typeof reply === 'string' ? reply : JSON.stringify(reply)));
      if (replies.length > 0) connection.end(replies.map((reply) => `${reply}\n`).join(''));
    });
  });
  const socket = path.join(data, 'launcher.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const describe = (at: string, registry = '127.0.0.1:50050') =>
    writeFileSync(path.join(data, 'launcher.json'), JSON.stringify({ pid: 1, socket: at, registry }));
  describe(socket);
  return {
    data,
    /** The requests, without those for the list of processes. */
    requests: () => requests.filter(({ command }) => command !== 'processes'),
    /** Replaces the description of the launcher. */
    describe,
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      rmSync(data, { recursive: true });
    },
  };
}

/** The reply to the request that is sent before another: for the processes. */
export const listing = (processes: readonly object[]) => ({ event: 'done', rows: [], processes });
