import { freePort } from '@rondo/harness';
import { REPLICAS, SAFE, type Scenario } from '../scenario.js';
import { now, pass } from '../time.js';
import { isFailed, p99 } from '../verdict.js';

/** Every replica is restarted, one after the other. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  fault: 'rolling restart of all three, methods that are safe to repeat and one that is not',
  bound: '0 failed; nothing carried out twice',
  control: 'SIGKILL in place of the drain',
  short: true,
  async run({ testbed, verdict, control, safe: options }) {
    await testbed.startRegistry();
    const replicas = await Promise.all(REPLICAS.map((id) => testbed.startReplica(id, { counting: true })));
    const safe = testbed.startLoad(options);
    const unsafe = testbed.startLoad({ ...options, method: 'subtract', callsPerSecond: options.callsPerSecond / 2 });
    const untilServed = (ids: readonly string[]) => {
      const since = now();
      return Promise.all([safe, unsafe].map((load) => load.untilServed(ids, since)));
    };
    await untilServed(REPLICAS);
    for (const replica of replicas) {
      await replica.restart(control ? 'SIGKILL' : 'SIGTERM');
      await untilServed([replica.id]);
    }
    verdict.noFailures(await safe.stop(), 'safe');
    verdict.noFailures(await unsafe.stop(), 'unsafe');
    const twice = testbed.carriedOutTwice();
    verdict.check(`${twice} carried out twice`, twice === 0);
  },
};

const CLIENTS = 3;
const NEWCOMERS = ['replica-3', 'replica-4'];

/** Replicas are added, and removed again. */
export const scale: Scenario = {
  name: 'scale',
  fault: 'scale 2 → 4 → 2',
  bound: 'newcomers picked by every client ≤ 2 s after they listen; 0 failed',
  control: 'the client asks the registry every 15 s',
  without: 'watch',
  async run({ testbed, verdict, without, lasts }) {
    await testbed.startRegistry();
    const first = ['replica-1', 'replica-2'];
    await Promise.all(first.map((id) => testbed.startReplica(id)));
    const options = { ...SAFE, callsPerSecond: SAFE.callsPerSecond / CLIENTS, ...(without && { without }) };
    const loads = Array.from({ length: CLIENTS }, () => testbed.startLoad(options));
    await Promise.all(loads.map((load) => load.untilServed(first)));

    const newcomers = await Promise.all(NEWCOMERS.map((id) => testbed.startReplica(id)));
    const pickedMs = await Promise.all(
      loads.map(async (load) => {
        const pickedAt = await load.untilServed(NEWCOMERS, 0);
        return newcomers.map(({ listenedAt }, index) => (pickedAt[index] ?? Number.POSITIVE_INFINITY) - listenedAt);
      }),
    );
    verdict.within('newcomers picked after', Math.max(...pickedMs.flat()), 2_000);
    await pass(lasts(5_000, 1_000));
    await Promise.all(newcomers.map((newcomer) => newcomer.stop()));
    await pass(lasts(5_000, 1_000));
    verdict.noFailures((await Promise.all(loads.map((load) => load.stop()))).flat());
  },
};

/** How long after the kill calls may fail because their connections break. */
const BREAK_MS = 100;

/** No replica is up, and then all are. */
export const allDown: Scenario = {
  name: 'all-down',
  fault: 'every replica down for 10 s, then up',
  bound: 'fails fast (< 50 ms) and says so; first success ≤ 1.5 s after the first is up',
  control: 'the client waits for an instance',
  without: 'fail-fast',
  async run({ testbed, verdict, without, lasts }) {
    await testbed.startRegistry();
    const start = (ports: readonly number[]) =>
      Promise.all(ports.map((port, index) => testbed.startReplica(REPLICAS[index] ?? '', { port })));
    const ports = [await freePort(), await freePort(), await freePort()];
    const replicas = await start(ports);
    const load = testbed.startLoad({ ...SAFE, ...(without && { without }) });
    await load.untilServed(REPLICAS);
    const downAt = now();
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
    await pass(lasts(10_000, 4_000));
    const up = await start(ports);
    const upAt = Math.min(...up.map(({ listenedAt }) => listenedAt));
    await load.untilServed(REPLICAS, upAt);

    const calls = await load.stop();
    const down = calls.filter((call) => call.at >= downAt + BREAK_MS && call.at < upAt && isFailed(call));
    verdict.within(`${down.length} failed while all were down; 99 of 100 within`, p99(down.map(({ ms }) => ms)), 50);
    verdict.within('the slowest', Math.max(...down.map(({ ms }) => ms)), 50);
    const silent = down.filter(
      ({ message = '' }) => !message.includes('no instance of calculator.v1.CalculatorService'),
    );
    verdict.check(`${silent.length} did not say that there is no instance`, silent.length === 0);
    const success = calls.filter((call) => !isFailed(call) && call.at + call.ms >= upAt).map(({ at, ms }) => at + ms);
    verdict.within('first success after', Math.min(...success) - upAt, 1_500);
  },
};
