import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freeBase, runNode, start } from '@rondo/harness';
import { parseOptions } from '../../packages/rondo/src/launch/options.js';
import { withLock } from '../../packages/rondo/src/workspace/lock.js';

const USAGE = 'npm start -- [--data DIR] [--port-base N] [--tls] [--auth] [--metrics] [--observe] [--no-restart]';
const TIMEOUT_MS = 240_000;
/** What a command says that comes while another one compiles. */
const WAITING = /^Waiting for another command's step .*\n/gm;
const isRoot = process.getuid?.() === 0;

let folder: string;
let base: string;

beforeAll(async () => {
  base = String(await freeBase());
  folder = mkdtempSync(join(tmpdir(), 'rondo-start-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The error of `npm start` if it refuses to start. A start that isn't refused is stopped, as it would run for ever. */
async function refusal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  exitCode = 1,
): Promise<string> {
  const launcher = start(process.execPath, ['scripts/rondo.mjs', 'start', ...args], { env });
  const timer = setTimeout(() => launcher.process.kill('SIGTERM'), TIMEOUT_MS);
  const { code, stderr } = await launcher.ended;
  clearTimeout(timer);
  expect(code).toBe(exitCode);
  return stderr.replaceAll(WAITING, '');
}

describe('npm start refuses in one line', () => {
  it.each([
    [['rondo'], `"rondo" is not expected here; options come after a "--": ${USAGE}`],
    [['--data', '--port-base', '21000'], `Option '--data' argument is ambiguous: ${USAGE}`],
    [['--bogus'], `Unknown option '--bogus': ${USAGE}`],
    [['--data', ''], `--data must name a folder: ${USAGE}`],
    [['--port-base', '80'], `--port-base 80: must be a whole number from 1024 to 65514: ${USAGE}`],
  ])('%j', (args, line) => {
    expect(() => parseOptions(args, 'npm start')).toThrow(line);
  });

  it('options that npm took for its own', async () => {
    const line = `npm took --port-base for an option of its own; ours come after a "--": ${USAGE}`;
    expect(await refusal([], { npm_config_port_base: '21000' }, 2)).toBe(`npm start: ${line}\n`);
  });

  it('nothing, and lists its options, for --help', async () => {
    const { code, stdout } = await runNode(['scripts/rondo.mjs', 'start', '--help']);
    expect(code).toBe(0);
    for (const option of ['--data', '--port-base', '--metrics', '--no-restart'])
      expect(stdout).toContain(`  ${option}`);
  });

  it('a port in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const line = await refusal(['--data', join(folder, 'unused'), '--port-base', String(port)]);
    server.close();
    expect(line).toMatch(new RegExp(`^npm start: in use already: port ${port} \\(registry\\).* --port-base \\d+\n$`));
  });

  it('a data folder that is a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await refusal(['--data', join(file, 'data'), '--port-base', base])).toBe(
      `npm start: ${join(file, 'data')} can't be written to (ENOTDIR); choose another folder: npm start -- --data DIR\n`,
    );
  });

  (isRoot ? it : it.skip)('the data of another user (only as root, which can give data away)', async () => {
    const data = join(folder, 'daemon');
    mkdirSync(join(data, 'postgres'), { recursive: true });
    chownSync(join(data, 'postgres'), 1, 1);
    expect(await refusal(['--data', data, '--port-base', base])).toMatch(/belongs to another user \(id 1\)/);
  });

  (isRoot ? it.skip : it)('a read-only folder (not as root, which can write everywhere)', async () => {
    const data = join(folder, 'read-only');
    mkdirSync(data);
    chmodSync(data, 0o500);
    expect(await refusal(['--data', data, '--port-base', base])).toMatch(/can't be written to \(EACCES\)/);
  });

  it('an administrator URL that is invalid or leads to no database', async () => {
    const refused = (url: string) =>
      refusal(['--data', join(folder, 'foreign'), '--port-base', base], { RONDO_DATABASE_ADMIN_URL: url });
    expect(await refused('localhost')).toMatch(
      /^npm start: RONDO_DATABASE_ADMIN_URL must be a superuser's URL, such as/,
    );
    expect(await refused('postgres://postgres:x@127.0.0.1:1/postgres')).toMatch(
      /RONDO_DATABASE_ADMIN_URL names can't be set up: .*ECONNREFUSED 127.0.0.1:1\n$/,
    );
  });
});

it('npm start says which service could not start, and why', async () => {
  const data = join(folder, 'misconfigured');
  const said = await refusal(['--data', data, '--port-base', base], { RONDO_LOG_LEVEL: 'loud' });
  expect(said).toMatch(/^npm start: registry has ended \(exit code 78\)$/m);
  expect(said).toMatch(/RONDO_LOG_LEVEL.*loud/);
});

it('npm start ends without a stack when its output is closed', async () => {
  const launcher = start(process.execPath, ['scripts/rondo.mjs', 'start', '--data', folder, '--port-base', base]);
  launcher.process.stdout?.destroy();
  const { stderr } = await launcher.ended;
  expect(stderr.replaceAll(WAITING, '')).toBe('');
});

/** `.ci/long` has it kill twenty launchers, on Node 20 and 24. */
const KILLS = Number(process.env['LAUNCHER_KILLS'] ?? 2);

describe('after a launcher that was killed', () => {
  let data: string;
  let lifeMs: number;
  const launch = () =>
    start(process.execPath, ['scripts/rondo.mjs', 'start', '--data', data, '--port-base', base, '--no-restart']);

  async function startsAgain() {
    const launcher = launch();
    await launcher.printed(/Rondo is up/);
    await launcher.stop('SIGTERM');
  }

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'rondo-killed-'));
    chmodSync(data, 0o755); // so that the database's account can enter it, and keeps all of it there
    const startedAt = performance.now();
    const launcher = launch();
    await launcher.printed(/Rondo is up/);
    lifeMs = performance.now() - startedAt;
    await launcher.stop('SIGKILL');
  }, TIMEOUT_MS);
  afterAll(() => rmSync(data, { recursive: true }));

  it('npm start starts', startsAgain, TIMEOUT_MS);

  it(
    'npm start waits for a launcher that still stops, and names it, and one that runs on',
    async () => {
      const lock = { purpose: 'npm start', signal: new AbortController().signal, onHeld: () => undefined };
      const launcher = await withLock(join(data, 'launcher.lock'), lock, async () => {
        const next = launch();
        await next.printed(/^Waiting until npm start \(process \d+\) has stopped …$/m);
        return next;
      });
      await launcher.printed(/Rondo is up/);
      expect(await refusal(['--data', data, '--port-base', base])).toMatch(
        /^npm start: the system of \S+ runs already: npm start \(process \d+\)\. Stop it, .* --port-base \d+ --data DIR\n$/,
      );
      await launcher.stop('SIGTERM');
    },
    TIMEOUT_MS,
  );

  it(
    'npm start knows the processes that it left before they were prepared',
    async () => {
      rmSync(join(data, 'logs'), { recursive: true });
      const launcher = launch();
      await eventually(async () => expect(existsSync(join(data, 'logs', 'registry.log'))).toBe(true));
      launcher.process.kill('SIGKILL');
      expect(JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8'))).toHaveProperty('registry');
      await launcher.ended;
      await startsAgain();
    },
    TIMEOUT_MS,
  );

  it.each(Array.from({ length: KILLS - 1 }, (_, kill) => kill + 1))(
    `npm start starts, at moment %i of ${KILLS} of its life`,
    async (kill) => {
      const launcher = launch();
      await pause((lifeMs * kill) / KILLS); // Whatever the launcher does then, it is killed.
      await launcher.stop('SIGKILL');
      await startsAgain();
    },
    TIMEOUT_MS,
  );
});
