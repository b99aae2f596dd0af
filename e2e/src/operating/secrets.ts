/**
 * Secrets that are marked go through every path of a system: databases, caches and stores that refuse them, metadata of calls that
 * fail, and wrong variables. What processes print, answer and show of themselves is searched for the marks.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { eventually, freeBase, root, runNode, start, startRegistry, startService } from '@rondo/harness';
import { Metadata } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom } from '@rondo/rpc/clock';
import { LABEL, MARK, REDIS, system } from './system.js';

const DATABASE = `postgres://sales:${MARK}@127.0.0.1:1/sales`;
const METADATA = { authorization: `Bearer ${MARK}`, cookie: `session=${MARK}`, 'x-key-bin': Buffer.from(MARK) };

let folder: string;
/** The launcher's own secrets: the passwords of the databases. */
let passwords: readonly string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-secrets-'));
  passwords = Object.values(JSON.parse(readFileSync(join(system.data, 'passwords.json'), 'utf8')));
});

afterAll(() => rmSync(folder, { recursive: true }));

function secretFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`);
  return path;
}

/** Expects that none of the texts holds a secret, in plain text or in base64. */
function expectClean(texts: Readonly<Record<string, string>>): void {
  const secrets = [MARK, Buffer.from(MARK).toString('base64').slice(0, -2), ...passwords];
  for (const [where, text] of Object.entries(texts)) {
    const found = secrets.filter((secret) => text.includes(secret));
    expect({ where, found, near: found.map((secret) => text.split(secret)[0]?.slice(-200)) }).toEqual({
      where,
      found: [],
      near: [],
    });
  }
}

/** The command lines of every process below this one, one a line. Linux alone has them as files. */
function commandLines(): string {
  const read = (pid: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, /\) \S (\d+)/.exec(read(pid, 'stat'))?.[1]]));
  const isBelow = (pid: string | undefined): boolean =>
    pid !== undefined && (parents.get(pid) === String(process.pid) || isBelow(parents.get(pid)));
  return pids
    .filter(isBelow)
    .map((pid) => read(pid, 'cmdline').replaceAll('\0', ' '))
    .join('\n');
}

/** Every log of the system. */
function logs(): string {
  const directory = join(system.data, 'logs');
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('');
}

/** What a failing call of a service answers. */
async function failure(address: string): Promise<string> {
  const channel = createChannel({ resolver: staticResolver([address]), clock: systemClock, random: systemRandom });
  try {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(METADATA)) metadata.append(key, value);
    const calculator = createClient(CalculatorServiceDefinition, { channel });
    const quotes = createClient(QuoteServiceDefinition, { channel });
    const calls = [
      calculator.divide({ a: 1n, b: 0n }, { metadata }),
      quotes.getQuote({ name: 'quotes/none' }, { metadata }),
    ];
    return (await Promise.allSettled(calls))
      .map((result) => {
        const error = result.status === 'rejected' ? result.reason : 'no error';
        return `${error} ${JSON.stringify(error)}`;
      })
      .join('\n');
  } finally {
    channel.close();
  }
}

describe('a system whose secrets are marked', () => {
  it('shows none in logs, replies, metrics, listings and command lines', async () => {
    await eventually(() => expect(system.log('sales-1')).toContain("isn't there yet"));
    // The first calls of a busy machine may end with their deadlines.
    const replies = await eventually(async () => {
      const all = `${await failure(system.address(1))}\n${await failure(system.address(3))}`;
      expect(all).toMatch(/INVALID_ARGUMENT[\s\S]*NOT_FOUND/);
      return all;
    });
    const printed: Record<string, string> = { replies, commandLines: commandLines() };
    const commands = ['ps', 'ps --json', 'config --json', 'top --once --json', 'describe sales.v1.QuoteService'];
    const there = ['tx ls', `doctor --data ${system.data}`, `logs --json --data ${system.data}`];
    await Promise.all(
      [...commands, ...there].map(async (words) => {
        const { stdout, stderr } = await system.rondo(...words.split(' '));
        printed[words] = stdout + stderr;
      }),
    );
    const metrics = /http:\S+\/metrics/.exec(logs())?.[0] ?? `http://${system.address(503)}/metrics`;
    printed['metrics'] = await (await fetch(metrics)).text();
    printed['logs'] = logs();
    printed['launcher'] = system.banner + system.stderr();
    expectClean(printed);

    // The searches are real: what may be seen is found.
    expect(printed['ps --json']).toContain(LABEL);
    expect(printed['logs']).toMatch(/"method":"\/sales.v1.QuoteService\/GetQuote"/);
    expect(printed['metrics']).toContain('rondo_');
    expect(printed['commandLines']).toContain('services/sales/dist/main.js');
    expect(passwords.length).toBeGreaterThan(1);
  });
});

describe('a process whose secret is refused shows none', () => {
  const running: { stop(): unknown }[] = [];
  afterAll(async () => {
    for (const one of running) await one.stop();
  });

  it('of a database and a cache that are away, given by files', async () => {
    const env = { DATABASE_URL_FILE: secretFile('database', DATABASE), RONDO_CACHE_FILE: secretFile('redis', REDIS) };
    // Its spans are printed, too.
    const tracing = { OTEL_TRACES_EXPORTER: 'console', OTEL_BSP_SCHEDULE_DELAY: '10' };
    const sales = await startService('sales', { env: { ...env, ...tracing, RONDO_LOG_LEVEL: 'trace' } });
    running.push(sales);
    await sales.printed(/PostgreSQL is unavailable/);
    await sales.printed(/the cache at 127.0.0.1:1 isn't there yet/);
    const replies = await failure(sales.address);
    expect(replies).toContain('UNAVAILABLE');
    await sales.printed(/'rpc.method': 'sales.v1/);
    expectClean({ ...sales.output(), replies, commandLines: commandLines() });
  });

  it('of a database that refuses the password', async () => {
    const url = `postgres://sales:${MARK}@${system.address(9)}/sales`;
    const sales = await startService('sales', { env: { DATABASE_URL: url, RONDO_LOG_LEVEL: 'trace' } });
    running.push(sales);
    await sales.printed(/password authentication failed/);
    expectClean({ ...sales.output(), server: logs() });
  });

  it('of an etcd that is away', async () => {
    const store = secretFile('etcd', `etcd://root:${MARK}@127.0.0.1:1`);
    const env = { RONDO_REGISTRY_STORE_FILE: store, RONDO_LOG_LEVEL: 'trace' };
    const registry = await startRegistry({ env });
    running.push(registry);
    await registry.printed(/waiting for|etcd/);
    const { stdout, stderr } = await runNode(['scripts/rondo.mjs', 'ps', '--registry', registry.address]);
    expectClean({ ...registry.output(), replies: stdout + stderr });
  });

  it('of a server of databases, to npm start, the doctor and the provisioning step', async () => {
    const url = `postgres://postgres:${MARK}@127.0.0.1:1/postgres`;
    const file = secretFile('admin', url);
    const data = join(folder, 'data');
    const port = String(await freeBase());
    const env = { RONDO_DATABASE_ADMIN_URL_FILE: file };
    const launcher = await runNode(['scripts/rondo.mjs', 'start', '--data', data, '--port-base', port], { env });
    expect(launcher.stderr).toContain('ECONNREFUSED');
    const doctor = await runNode(['scripts/rondo.mjs', 'doctor', '--data', data], { env });
    expect(doctor.stdout).toContain('names 127.0.0.1:1');
    expectClean({ launcher: launcher.stdout + launcher.stderr, doctor: doctor.stdout + doctor.stderr });
    const step = start(process.execPath, [join(root, 'packages/database/dist/provision-main.js')], {
      env: { RONDO_DATABASE_ADMIN_URL_FILE: file, RONDO_DATABASES_FILE: secretFile('databases', `a:a:${MARK}`) },
    });
    await step.printed(/waiting for database "postgres" at 127.0.0.1:1/);
    const { stdout, stderr } = await step.stop();
    expectClean({ stdout, stderr });
    const both = { RONDO_DATABASE_ADMIN_URL: url, RONDO_DATABASE_ADMIN_URL_FILE: file };
    const refused = await runNode(['scripts/rondo.mjs', 'start', '--data', data, '--port-base', port], { env: both });
    expect(refused.stderr).toContain('RONDO_DATABASE_ADMIN_URL and RONDO_DATABASE_ADMIN_URL_FILE are both set');
  });
});
