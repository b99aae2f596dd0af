import { setTimeout as sleep } from 'node:timers/promises';
import { expiredOf, measured, poll, settled, startCluster, WARMING_MS } from './cluster.mjs';

const WARM_UP_MS = 5_000;

/** The registry at the size that it must carry, for some seconds. */
export async function steady(options) {
  const { changes, services, seconds } = options;
  const startedAt = performance.now();
  const cluster = await startCluster(options);
  try {
    await sleep(Math.max(0, startedAt + WARMING_MS + WARM_UP_MS - performance.now()));
    await settled(cluster, options);
    const change = { services, perSecond: changes, seconds };
    const measures = await measured(cluster, () => cluster.observer.ask('change', change));
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
  const { instances } = options;
  const cluster = await startCluster(options);
  try {
    await sleep(WARM_UP_MS);
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
  const [{ slowestMs }, rounds] = await Promise.all([
    poll(address, () => done),
    work().finally(() => {
      done = true;
    }),
  ]);
  return { slowestMs, rounds };
}
