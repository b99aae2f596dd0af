/**
 * None of the alerts of infra/observe fires while a system has little load and its processes are restarted one after the other: for an
 * hour, or as many minutes as ALERTS_MINUTES says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type System, startSystem } from '@rondo/harness';
import { runSeed } from '../../e2e/src/company.js';
import { noPrometheus, type Prometheus, startPrometheus, targetsOf } from './src/prometheus.js';

const ROUND_MINUTES = 5;
const rounds = Math.ceil(Number(process.env['ALERTS_MINUTES'] ?? 60) / ROUND_MINUTES);
const PROCESSES = [
  ...['registry', 'calculator-1', 'sales-1', 'calculator-2'],
  ...['project-management-1', 'gateway-1', 'calculator-3'],
];

let system: System;
let prometheus: Prometheus;
const ending = new AbortController();
let loading: Promise<unknown>;

/** A call to each sample, five times a second. While the gateway restarts, nothing answers. */
async function load(): Promise<void> {
  const gateway = `http://${system.address(20)}`;
  while (!ending.signal.aborted) {
    const add = fetch(`${gateway}/add`, { method: 'POST', body: '{"a":1,"b":2}' });
    const lists = ['customers', 'projects'].map((name) => fetch(`${gateway}/v1/${name}`));
    const answers = await Promise.allSettled([add, ...lists]);
    for (const answer of answers) if (answer.status === 'fulfilled') await answer.value.arrayBuffer().catch(() => 0);
    await sleep(200);
  }
}

const seen = (alertstate: string) => prometheus.query(`last_over_time(ALERTS{alertstate="${alertstate}"}[2h])`);

(noPrometheus === undefined ? describe : describe.skip)(`in quiet times ${noPrometheus ?? ''}`, () => {
  beforeAll(async () => {
    system = await startSystem({ metrics: true });
    prometheus = await startPrometheus(targetsOf(system), system.data);
    expect((await runSeed(system.registry)).code).toBe(0);
    loading = load();
    await eventually(async () => {
      if ((await prometheus.query('rondo:calls:rate5m > 0')).length < 3) throw new Error('no load is seen');
    });
  });

  afterAll(async () => {
    ending.abort();
    await loading;
    await prometheus?.stop();
    await system?.stop();
    system?.remove();
  });

  it.each(Array.from({ length: rounds }, (_, round) => round + 1))(
    'no alert fires in round %d of restarts',
    async () => {
      for (const name of PROCESSES) {
        const { code, stderr } = await system.rondo('restart', name, '--data', system.data);
        expect([name, code, code === 0 ? '' : stderr]).toEqual([name, 0, '']);
        await sleep((ROUND_MINUTES * 60_000) / PROCESSES.length);
        expect((await seen('firing')).map(({ metric }) => metric)).toEqual([]);
      }
    },
    2 * ROUND_MINUTES * 60_000,
  );
});
