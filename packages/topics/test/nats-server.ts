import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, start } from '@rondo/harness';

/** Where lab/nats/build.sh puts the server. */
const BUILT = join(root, 'lab/nats/.build/nats-server');
const PROGRAM = existsSync(BUILT) ? BUILT : 'nats-server';

/** Why tests over a real NATS can't run; undefined if they can. */
export const noNats =
  spawnSync(PROGRAM, ['--version']).error === undefined ? undefined : 'no nats-server is built (sh lab/nats/build.sh)';

/** A NATS server of a test, with JetStream. */
export type NatsServer = Awaited<ReturnType<typeof startNats>>;

/** Starts a server at a port, with `configuration` added to its own. */
export async function startNats(port: number, configuration = '') {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-nats-'));
  const file = join(folder, 'nats.conf');
  const run = async (text: string) => {
    writeFileSync(file, `server_name: one\n${text}`);
    const where = ['--addr', '127.0.0.1', '--port', String(port), '--config', file];
    const started = start(PROGRAM, [...where, '--jetstream', '--store_dir', folder]);
    await started.printed(/Server is ready/);
    return started;
  };
  let server = await run(configuration);
  return {
    url: `nats://127.0.0.1:${port}`,
    /** Freezes it, so that it answers nothing, or lets it go on. */
    signal: (signal: 'SIGSTOP' | 'SIGCONT') => server.signal(signal),
    kill: () => server.stop('SIGKILL'),
    /** Starts it again at the same port, over the same files, with another configuration if there is one. */
    async restart(changed = configuration) {
      server = await run(changed);
    },
    async close() {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
