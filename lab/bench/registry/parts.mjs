import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expiredOf, measured, poll, settled, startCluster, startLoad, WARMING_MS } from './cluster.mjs';

/** The registry at the size that it must carry, for some seconds. */
export async function steady(options) {
  const { changes, services, seconds, warmupSeconds } = options;
  const startedAt = performance.now();
  const cluster = await startCluster(options);
  try {
    await sleep(Math.max(0, startedAt + WARMING_MS + warmupSeconds * 1000 - performance.now()));
    await settled(cluster, options);
    const measures = await measured(cluster, () => {
      return cluster.observer.ask('change', { services, perSecond: changes, seconds });
    });
    return { ...measures, expired: expiredOf(cluster) };
  } finally {
    await cluster.close();
  }
}

const OUTAGE_MS = 5000;
const TTL_MS = 10_000;

/**
 * An outage: the registry is killed and comes back empty, and all instances and watchers come back by themselves. Afterwards
 * all connections break at once, and all leases are renewed over new ones.
 */
export async function storm(options) {
  const { instances, warmupSeconds } = options;
  const cluster = await startCluster(options);
  try {
    await sleep(warmupSeconds * 1000);
    await cluster.registry.stop('SIGKILL');
    await sleep(OUTAGE_MS);
    await cluster.start();
    const back = await measured(cluster, () => comeBack(cluster, options));
    // An instance that came back keeps its lease.
    await sleep(TTL_MS + 1000);
    const kept = await measured(cluster, () => sleep(0));
    const reconnect = await measured(cluster, async () => {
      const { slowestMs, rounds } = await whilePolling(cluster.registry.address, () =>
        Promise.all([cluster.observer.ask('reconnect'), cluster.holder.ask('reconnect')]),
      );
      const ms = Math.max(...rounds.map((round) => round.ms));
      return { slowestMs, ms, failed: rounds[0].failed + rounds[1].failed };
    });
    await sleep(TTL_MS + 1000);
    await settled(cluster, options);
    return { back, kept, reconnect, instances, expired: expiredOf(cluster) };
  } finally {
    await cluster.close();
  }
}

async function comeBack(cluster, options) {
  const startedAt = performance.now();
  const times = {};
  const { slowestMs } = await poll(cluster.registry.address, (instances) => {
    const nowMs = performance.now() - startedAt;
    for (const share of [0.5, 0.99, 1]) if (instances >= share * options.instances) times[share] ??= nowMs;
    return instances === options.instances;
  });
  await settled(cluster, options);
  return {
    slowestMs,
    halfMs: times[0.5],
    mostMs: times[0.99],
    allMs: times[1],
    watchersMs: performance.now() - startedAt,
  };
}

async function whilePolling(address, work) {
  let done = false;
  const polling = poll(address, () => done);
  try {
    const rounds = await work();
    return { rounds, ...(await finish()) };
  } finally {
    done = true;
  }

  function finish() {
    done = true;
    return polling;
  }
}

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
