import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from '../errors.js';
import { createPool } from '../pool.js';
import { eventually, freePort } from '../testing/test-postgres.js';
import { findProcess } from './found-server.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start.js';
import { copyEmptyCluster } from './template.js';

const isRoot = process.getuid?.() === 0;

let parent: string;
let directory: string;
let port: number;
let servers: EmbeddedPostgres[];

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'rondo embedded '));
  chmodSync(parent, 0o755);
  directory = join(parent, 'the data');
  port = await freePort();
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(parent, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, port, ...options });
  servers.push(server);
  return server;
}

async function ask(url: string, sql: string) {
  const pool = createPool({ url });
  return pool.query(sql).finally(() => pool.close());
}

const BUILT = fileURLToPath(new URL('../../dist/exports/embedded.js', import.meta.url));

/** A launcher in its own process, which can be killed. */
async function launch(): Promise<{ launcher: number; postgres: number; kill: () => void }> {
  if (!existsSync(BUILT)) throw new Error('dist is missing: run the build first');
  const source = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(BUILT)});
    const server = await startEmbeddedPostgres(${JSON.stringify({ directory, port })});
    console.log(server.pid);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { launcher: Number(child.pid), postgres: Number(line), kill: () => void child.kill('SIGKILL') };
  }
  throw new Error('the launcher ended');
}

/** The watchdogs of a server, found by their command line. */
function watchdogsOf(postgres: number): number[] {
  const command = `rondo-postgres-watchdog ${postgres}`;
  return candidates(postgres).filter((pid) => findProcess(pid)?.command.includes(command));
}

/** All processes if the system lists them; otherwise the ids right after the server's. */
const candidates = (postgres: number): number[] =>
  existsSync('/proc/self')
    ? readdirSync('/proc').map(Number).filter(Number.isInteger)
    : Array.from({ length: 50 }, (_, index) => postgres + 1 + index);

const isGone = (pid: number) => findProcess(pid) === undefined;

describe('startEmbeddedPostgres, on a new folder', () => {
  it('runs on a path with spaces, keeps fsync on, and finds its data again', async () => {
    const server = await start({ maxConnections: 37, settings: { work_mem: '5MB' } });
    await ask(server.url, "CREATE TABLE kept AS SELECT 'here' AS word");
    const settings = await ask(
      server.url,
      'SELECT name, setting FROM pg_settings WHERE name IN ' +
        "('fsync', 'max_connections', 'max_prepared_transactions', 'listen_addresses', 'work_mem') ORDER BY name",
    );
    expect(settings).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'max_connections', setting: '37' },
      { name: 'max_prepared_transactions', setting: '64' },
      { name: 'work_mem', setting: '5120' },
    ]);
    await server.stop();
    expect(isGone(server.pid)).toBe(true);
    const again = await start();
    expect(await ask(again.url, 'SELECT word FROM kept')).toEqual([{ word: 'here' }]);
  });

  (isRoot ? it : it.skip)(
    'keeps the data outside of a private folder that the server cannot enter (only as root)',
    async () => {
      chmodSync(parent, 0o700);
      const server = await start();
      const home = dirname(server.dataDirectory);
      try {
        expect(realpathSync(join(directory, 'cluster'))).toBe(home);
        await ask(server.url, 'CREATE TABLE kept (id int)');
        await server.stop();
        const again = await start();
        expect(await ask(again.url, 'SELECT id FROM kept')).toEqual([]);
        await again.stop();
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  );
});

describe('startEmbeddedPostgres, on data that is there', () => {
  beforeEach(() => copyEmptyCluster(directory));

  it('refuses connections without the password', async () => {
    const { url } = await start();
    const wrong = Object.assign(new URL(url), { password: 'wrong' }).href;
    await expect(ask(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('reports a port in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    await expect(start()).rejects.toThrow(`Port ${port} is in use: stop what listens there, or choose another port.`);
    await new Promise((resolve) => taken.close(resolve));
    await expect(start()).resolves.toMatchObject({ port });
  });

  it('does not share a folder with a live launcher', async () => {
    const server = await start();
    await expect(start({ port: await freePort() })).rejects.toThrow(/in use by process \d+: stop that one first/);
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('refuses the data of another major version', async () => {
    const server = await start();
    await server.stop();
    writeFileSync(join(server.dataDirectory, 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(/is of PostgreSQL 17, this is PostgreSQL 18/);
  });

  it('leaves no server when the launcher is killed', async () => {
    const { postgres, kill } = await launch();
    await eventually('the watchdog runs', () => watchdogsOf(postgres).length === 1);
    kill();
    await eventually('the server is gone', () => isGone(postgres));
    await eventually('the watchdog is gone', () => watchdogsOf(postgres).length === 0);
    // It was stopped, not killed, so there is no recovery.
    const lines: string[] = [];
    await start({ log: (line) => lines.push(line) });
    expect(lines.join('\n')).not.toContain('not properly shut down');
  });

  it('stops a server that outlived its launcher and its watchdog, and starts a new one', async () => {
    const { launcher, postgres, kill } = await launch();
    await eventually('the watchdog runs', () => watchdogsOf(postgres).length === 1);
    for (const watchdog of watchdogsOf(postgres)) process.kill(watchdog, 'SIGKILL');
    await eventually('the watchdog is gone', () => watchdogsOf(postgres).length === 0);
    kill();
    await eventually('the launcher is gone', () => isGone(launcher));
    expect(isGone(postgres)).toBe(false);
    const server = await start();
    expect(isGone(postgres)).toBe(true);
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('ignores a lock file whose process id now belongs to another process', async () => {
    const server = await start();
    const lockFile = join(server.dataDirectory, 'postmaster.pid');
    const [, ...rest] = readFileSync(lockFile, 'utf8').split('\n');
    await server.stop();
    // A live process of the server's own user, which PostgreSQL takes for another server.
    const ids = isRoot ? { uid: 65534, gid: 65534 } : {};
    const other = spawn('sleep', ['60'], { ...ids, cwd: '/', stdio: 'ignore' });
    writeFileSync(lockFile, [other.pid, ...rest].join('\n'));
    await expect(start()).resolves.toMatchObject({ port });
    other.kill();
  });

  it('recovers after the server was killed, and notifies the launcher of its end', async () => {
    const server = await start();
    await ask(server.url, 'CREATE TABLE kept (id int)');
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    await expect(ask(server.url, 'SELECT 1')).rejects.toBeInstanceOf(DatabaseUnavailable);
    const again = await start();
    expect(await ask(again.url, 'SELECT id FROM kept')).toEqual([]);
  });

  it('does not crash a process with a pool when it stops, and serves it after a restart', async () => {
    const server = await start();
    const errors: unknown[] = [];
    const pool = createPool({ url: server.url, onError: (error) => errors.push(error) });
    await pool.check();
    const busy = expect(pool.query('SELECT pg_sleep(60)')).rejects.toBeInstanceOf(DatabaseUnavailable);
    await pool.check();
    await server.stop();
    await busy;
    await eventually('the pool was errors', () => errors.length > 0);
    expect(errors[0]).toBeInstanceOf(DatabaseUnavailable);
    await expect(pool.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    await start();
    await expect(pool.check()).resolves.toBeUndefined();
    await pool.close();
  });
});
