/**
 * Each alert of infra/observe fires in its fault, and the command of its runbook ends it: real processes, and a Prometheus that reads
 * them each second. It takes as long as the alerts wait, about twenty minutes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { RemindOwnerRequest } from '@rondo/contracts/sales/v1/quotes';
import { createPool, type Database } from '@rondo/database';
import { eventually, freePort, type ServiceProcess, type System, startService, startSystem } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { type RunningService, startService as startHere } from '@rondo/service';
import { readGuide } from '../../e2e/src/docs.js';
import { noPrometheus, type Prometheus, startPrometheus, targetsOf } from './src/prometheus.js';

/** Only root can make a small file system. */
const isRoot = process.getuid?.() === 0;
/** A timer whose handler takes longer than it waits. */
const LATE = 'setInterval(() => { for (const end = Date.now() + 300; Date.now() < end; ); }, 400)';
/** A transaction of a log that the coordinator no longer has, as after a restore. */
const LOST = '00000000-lost';
const runbooks = readGuide('../runbooks.md');

let system: System;
let prometheus: Prometheus;
let projects: Database;
let sales: Database;
let late: ServiceProcess;
let refused: ServiceProcess;
let broken: RunningService;
let busy: RunningService;
const folder = mkdtempSync(join(tmpdir(), 'rondo-alerts-'));
const disk = mkdtempSync(join(tmpdir(), 'rondo-disk-'));
const closers: (() => unknown)[] = [];

/** A process of its own that serves its metrics at `address`. */
async function startMetered(instanceId: string, address: string, more: Readonly<Record<string, string>>) {
  const env = { RONDO_METRICS: address, ...more };
  const service = await startService('calculator', { instanceId, registry: system.registry, env });
  closers.push(() => service.stop());
  return service;
}

/** A service in this process that serves its metrics. */
async function startInside(name: string, service: ReturnType<typeof implement>, more = {}) {
  const environment = {
    RONDO_LISTEN: '127.0.0.1:0',
    RONDO_METRICS: '127.0.0.1:0',
    RONDO_REGISTRY: system.registry,
    RONDO_INSTANCE_ID: `${name}-bad`,
    ...more,
  };
  const app = () => ({ services: [service] });
  const running = await startHere({ name, port: 0, log: silentLogger, environment, createApp: app });
  closers.push(() => running.drain());
  return running;
}

const fail = (): never => {
  throw new RpcError(Status.UNAVAILABLE, 'this instance is broken', { origin: 'server' });
};
const { add } = CalculatorServiceDefinition.methods;
const Adding = { ...CalculatorServiceDefinition, methods: { add } } as const;

/** Calls again and again until the test ends. */
function load(call: () => Promise<unknown>): void {
  const ending = new AbortController();
  const looping = (async () => {
    while (!ending.signal.aborted) await Promise.all([call().catch(() => undefined), sleep(100)]);
  })();
  closers.push(() => {
    ending.abort();
    return looping;
  });
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The ticket of a burning budget lasts as long as its window of half an hour; the event loop of this process may be late at any time. */
const firing = async (alert: string) => {
  const severity = alert === 'ErrorBudgetBurns' ? 'page' : '.+';
  const job = alert === 'EventLoopLate' ? 'more' : '.*';
  const selected = `ALERTS{alertstate="firing",alertname="${alert}",severity=~"${severity}",job=~"${job}"}`;
  return (await prometheus.query(selected)).length > 0;
};
/** Longer than any alert waits, and shorter than what counts as a hang of the run. */
const WAIT = { timeoutMs: 600_000 };

async function rondo(...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await system.rondo(...words);
  expect([words, code, code === 0 ? '' : stdout + stderr]).toEqual([words, 0, '']);
}

/** Holds what a statement locks, until the test ends or its session does. */
async function hold(database: Database, sql: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const holding = database.transaction(async ({ query }) => {
      await query(sql);
      resolve();
      await new Promise<void>((released) => {
        closers.push(released);
      });
    });
    holding.catch(reject);
  });
}

/** Holds what the relay of project management needs, while a change waits for it. */
async function holdOutbox(): Promise<void> {
  await hold(projects, "SELECT pg_advisory_xact_lock(x'73796e63'::bigint)");
  await projects.query("INSERT INTO sync_outbox (topic, payload) VALUES ('alerts', '{}')");
}

/** Stores a job that fails for good, as there is no such quote, and one whose row another session holds. */
async function enqueueBad(): Promise<void> {
  const request = RemindOwnerRequest.encode(RemindOwnerRequest.fromPartial({ name: 'quotes/none' })).finish();
  const add = `INSERT INTO jobs (method, key, request, due_time)
    VALUES ('sales.v1.QuoteService/RemindOwner', $1, $2, now() + $3 * interval '1 s')`;
  await sales.query(add, ['held', request, 5]);
  await hold(sales, "SELECT FROM jobs WHERE key = 'held' FOR UPDATE");
  await sales.query(add, ['failing', request, 0]);
}

/** Stores an event that its group couldn't take, and two groups whose subscribers are away: one is behind. */
async function publishBad(): Promise<void> {
  await eventually(async () => {
    const added = await sales.query(`INSERT INTO topic_groups (name, topic, service, method, idempotency_level, policy)
      SELECT topic || ':' || added, topic, 'away.v1.Service', method, idempotency_level, policy
      FROM topic_groups CROSS JOIN unnest(ARRAY['behind', 'lost']) AS added RETURNING name`);
    if (added.length < 2) throw new Error('project management has not subscribed yet');
  }, WAIT);
  await sales.query(`INSERT INTO jobs (method, key, request, due_time, create_time, failed)
    SELECT name, 'bad', '', now(), now() - interval '10 min', name !~ 'behind' FROM topic_groups WHERE name !~ 'lost'`);
}

/** Ends the session that the query of a runbook finds. */
async function endBlocking(database: Database, file: string): Promise<void> {
  const [blocking] = await database.query<{ pid: number }>(runbooks.code(file).replace(/;\s*$/, ''));
  await database.query('SELECT pg_terminate_backend($1)', [blocking?.pid ?? 0]);
}

/** By alert, in the order of their waits: what its runbook says. The faults of the first ones begin at the same time. */
const HEALED: Readonly<Record<string, () => Promise<void>>> = {
  ...(isRoot && { PostgresDiskFull: async () => rmSync(join(disk, 'slot')) }),
  CertificateEnds: () => rondo('certs', 'calculator', '--renew', '--data', folder),
  OutboxLags: () => endBlocking(projects, 'blocks-relay.sql'),
  JobsFail: async () => {
    const [job] = await sales.query<{ id: bigint }>('SELECT id FROM jobs WHERE failed AND key = $1', ['failing']);
    await rondo('jobs', 'discard', `${job?.id}`);
  },
  JobsLag: () => endBlocking(sales, 'blocks-jobs.sql'),
  EventsFail: async () => {
    const [event] = await sales.query<{ id: bigint }>('SELECT id FROM jobs WHERE failed AND key = $1', ['bad']);
    await rondo('events', 'discard', `${event?.id}`);
  },
  EventsLag: () => rondo('events', 'remove-group', 'sales.v1.OrderPlaced:behind'),
  EventsCut: () => rondo('events', 'remove-group', 'sales.v1.OrderPlaced:lost'),
  AdmissionSheds: () => rondo('config', 'set', 'ConformanceService', 'max_calls', '200'),
  EventLoopLate: async () => void (await late.stop()),
  InstanceEjected: async () => {
    await rondo('drain', 'calculator-bad');
    await broken.drain();
  },
  ErrorBudgetBurns: () => rondo('restart', 'sales-1', '--data', system.data),
  TransactionInDoubt: () => rondo('tx', 'resolve', LOST, '--abort', '--force'),
  RegistryAway: () => rondo('restart', 'registry', '--data', system.data),
};

/** The faults that would disturb the others. */
const LATER: Readonly<Record<string, () => unknown>> = {
  EventsCut: async () => {
    await eventually(async () => {
      if ((await prometheus.query('rondo_topics_cut')).length === 0) throw new Error('nothing was read before');
    }, WAIT);
    await sales.query("UPDATE topic_groups SET cut = 2 WHERE name ~ 'lost'");
  },
  ErrorBudgetBurns: () => process.kill(system.pid('sales-1'), 'SIGKILL'),
  TransactionInDoubt: () =>
    projects.prepare(`rondo:sales:${LOST}:project-management`, ({ query }) => query('SELECT 1')),
  RegistryAway: async () => {
    await refused.stop(); // Without a certificate it reaches no registry.
    process.kill(system.pid('registry'), 'SIGKILL');
  },
};

(noPrometheus === undefined ? describe : describe.skip)(`an alert ${noPrometheus ?? ''}`, () => {
  beforeAll(async () => {
    if (isRoot) spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]);
    system = await startSystem({ metrics: true });
    const passwords = JSON.parse(readFileSync(join(system.data, 'passwords.json'), 'utf8'));
    const databaseOf = (name: string) => {
      const url = `postgres://${name}:${passwords[name]}@${system.address(9)}/${name}?connect_timeout=300&statement_timeout=300000`;
      return createPool({ url, idleTransactionTimeoutMs: 0 });
    };
    [projects, sales] = [databaseOf('project_management'), databaseOf('sales')];
    const [lateAt, refusedAt] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    await rondo('certs', 'calculator', '--data', folder);
    const tls = { RONDO_TLS: 'permissive', RONDO_TLS_DIR: join(folder, 'certs/calculator') };
    refused = await startMetered('calculator-refused', refusedAt, tls);
    late = await startMetered('calculator-late', lateAt, {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(LATE)}`,
    });
    broken = await startInside('calculator', implement(Adding, { add: fail }));
    const slow = standIn(ConformanceServiceDefinition, { unaryUnsafe: () => sleep(50).then(() => ({})) });
    busy = await startInside('scripted', slow, { RONDO_MAX_CALLS: '1' });
    const more = { more: [lateAt, refusedAt], inside: [broken.metricsAddress ?? '', busy.metricsAddress ?? ''] };
    prometheus = await startPrometheus({ ...targetsOf(system), ...more }, disk);
    const gateway = `http://${system.address(20)}`;
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":2,"b":3}' };
    load(() => fetch(`${gateway}/calculator.v1.CalculatorService/Add`, json));
    load(() => fetch(`${gateway}/v1/customers`));
    const channel = createChannel({ resolver: staticResolver([busy.address]) });
    closers.push(() => channel.close());
    const { unaryUnsafe } = createClient(ConformanceServiceDefinition, { channel });
    for (let caller = 0; caller < 3; caller += 1) load(() => unaryUnsafe({}));
    if (isRoot) writeFileSync(join(disk, 'slot'), Buffer.alloc(15.5 * 1024 * 1024));
    truncateSync(join(folder, 'certs/calculator/tls.crt'));
    await holdOutbox();
    await enqueueBad();
    await publishBad();
  });

  afterAll(async () => {
    for (const close of closers.reverse()) await close();
    await prometheus?.stop();
    await projects?.close();
    await sales?.close();
    await system?.stop();
    system?.remove();
    if (isRoot) spawnSync('umount', [disk]);
    for (const one of [folder, disk]) rmSync(one, { recursive: true, force: true });
  });

  it.each(Object.entries(HEALED))(
    '%s fires in its fault, and its runbook ends it',
    async (alert, heal) => {
      await LATER[alert]?.();
      await eventually(async () => {
        if (!(await firing(alert))) throw new Error(`${alert} does not fire`);
      }, WAIT);
      await heal();
      await eventually(async () => {
        if (await firing(alert)) throw new Error(`${alert} still fires`);
      }, WAIT);
    },
    3 * WAIT.timeoutMs,
  );
});
