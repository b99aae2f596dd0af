import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { measured, startCluster, startLoad } from './cluster.mjs';

/** A tenth of the watchers reads nothing. All changes happen to few services, so that many pile up for those watchers. */
const SLOW_SHARE = 0.1;
const BUSY_SERVICES = 10;
const PER_SECOND = 200;
const PAYLOAD_LENGTH = 2048;
const CATCH_UP_MS = 30_000;

/** Watchers that stop reading: what they cost, whether they delay others, and whether they get the last state when they read on. */
export async function slow(options) {
  const { watchers, seconds } = options;
  const stalled = Math.round(watchers * SLOW_SHARE);
  const cluster = await startCluster({ ...options, watchers: watchers - stalled, renewing: false });
  const sleeper = startLoad();
  cluster.loads.push(sleeper);
  try {
    const { address } = cluster.registry;
    await sleeper.ask('watch', { address, connections: 10, count: stalled, services: BUSY_SERVICES });
    await wholeOf(sleeper, stalled);
    const change = () =>
      cluster.observer.ask('change', {
        services: BUSY_SERVICES,
        perSecond: PER_SECOND,
        seconds,
        payloadLength: PAYLOAD_LENGTH,
      });
    const awake = await measured(cluster, change);
    sleeper.signal('SIGSTOP');
    cluster.loads.pop();
    const asleep = await measured(cluster, change);
    sleeper.signal('SIGCONT');
    cluster.loads.push(sleeper);
    const caughtUpMs = await catchUp(cluster.observer, sleeper);
    return { awake, asleep, stalled, caughtUpMs, heard: (await sleeper.ask('take')).watches };
  } finally {
    sleeper.signal('SIGCONT');
    await cluster.close();
  }
}

async function wholeOf(load, count) {
  while ((await load.ask('state')).whole < count) await sleep(50);
}

/** How long the watchers that stopped need until they know the same as the others; undefined if they never do. */
async function catchUp(observer, sleeper) {
  const startedAt = performance.now();
  const known = Object.fromEntries(await observer.ask('changesKnown'));
  while (performance.now() - startedAt < CATCH_UP_MS) {
    const heard = await sleeper.ask('changesKnown');
    if (heard.every(([service, instances]) => isDeepStrictEqual(instances, known[service]))) {
      return performance.now() - startedAt;
    }
    await sleep(50);
  }
  return undefined;
}
