import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where lab/nats/build.sh puts the server. */
const BUILT = fileURLToPath(new URL('../../../lab/nats/.build/nats-server', import.meta.url));
const PROGRAM = existsSync(BUILT) ? BUILT : 'nats-server';

/** Why tests over a real NATS can't run; undefined if they can. */
export const noNats =
  spawnSync(PROGRAM, ['--version']).error === undefined ? undefined : 'no nats-server is built (sh lab/nats/build.sh)';

/** A NATS server of a test, with JetStream. */
export interface NatsServer {
  readonly url: string;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again at the same port, over the same files. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server at a port. */
export async function startNats(port: number): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-nats-'));
  let server = await run(port, folder);
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    async restart() {
      server = await run(port, folder);
    },
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when the server accepts connections. */
async function run(port: number, folder: string): Promise<ChildProcess> {
  const args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder];
  const server = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr })) if (line.includes('Server is ready')) break;
  if (server.exitCode !== null) throw new Error(`nats-server ended with ${server.exitCode}`);
  server.stderr.resume();
  return server;
}
