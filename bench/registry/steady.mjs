import { setTimeout as sleep } from 'node:timers/promises';
import { expiredOf, measured, settled, startCluster, WARMING_MS } from './cluster.mjs';

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
