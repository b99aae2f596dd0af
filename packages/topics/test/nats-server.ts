import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
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
  /** Freezes it, so that it answers nothing, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again at the same port, over the same files, with another configuration if there is one. */
  restart(configuration?: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server at a port, with `configuration` added to its own. */
export async function startNats(port: number, configuration = ''): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-nats-'));
  const configure = (text: string) => writeFileSync(join(folder, 'nats.conf'), `server_name: one\n${text}`);
  configure(configuration);
  let server = await run(port, folder);
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    signal: (signal) => void server.kill(signal),
    kill,
    async restart(changed = configuration) {
      configure(changed);
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
  const where = ['--addr', '127.0.0.1', '--port', String(port), '--config', join(folder, 'nats.conf')];
  const args = [...where, '--jetstream', '--store_dir', folder];
  const server = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr })) if (line.includes('Server is ready')) break;
  if (server.exitCode !== null) throw new Error(`nats-server ended with ${server.exitCode}`);
  server.stderr.resume();
  return server;
}

/** A port that nothing listens at. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
