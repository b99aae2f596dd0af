import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, start } from '@rondo/harness';

/** Why tests over a real Redis can't run; undefined if they can. */
export const noRedis =
  spawnSync('redis-server', ['--version']).error === undefined
    ? undefined
    : 'no redis-server is installed (Debian: redis-server)';

/** A Redis server of a test, in memory alone. */
export type RedisServer = Awaited<ReturnType<typeof startRedis>>;

/** Starts a server at a free port. */
export async function startRedis() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'rondo-redis-'));
  const run = async () => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const started = start('redis-server', args);
    await started.printed(/Ready to accept connections/);
    return started;
  };
  let server = await run();
  return {
    url: `redis://127.0.0.1:${port}`,
    /** Stops it from answering, as a machine does that hangs. */
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    kill: () => server.stop('SIGKILL'),
    /** Starts it again at the same port, empty. */
    async restart() {
      server = await run();
    },
    async close() {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
