import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { measured, settled, startCluster } from './cluster.mjs';

/** A registry that starts empty is warming so long; then every watch gets a whole snapshot. */
const WARMING_MS = 10_000;

/** The size that the registry must carry, for as long as is asked. */
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

/** How many leases ran out, by the registry's own log. */
export function expiredOf({ logFile }) {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('instance expired')).length;
}
