import { setTimeout as sleep } from 'node:timers/promises';
import { measured, startCluster } from './cluster.mjs';

/** When only changes are made, there are so many that their cost stands out. */
const PER_SECOND = 500;
/** How long the instances take to spread their renewals. */
const RHYTHM_MS = 4000;

/**
 * What a change and a renewal cost a registry of each size. First there are only open watches, then changes, then renewals
 * and `changes` changes a second.
 */
export async function growth(options, report) {
  const cells = [];
  for (const instances of options.sizes) {
    for (const watchers of options.audiences) {
      const cell = await measureCell({ ...options, instances, watchers });
      cells.push(cell);
      report(cell);
    }
  }
  return cells;
}

async function measureCell(options) {
  const { instances, watchers, services, changes, seconds } = options;
  const cluster = await startCluster({ ...options, renewing: false, warmingMs: 0 });
  try {
    const change = (perSecond, forSeconds) =>
      cluster.observer.ask('change', { services, perSecond, seconds: forSeconds });
    // The registry's code is compiled before it is measured.
    await change(PER_SECOND, 3);
    const idle = await measured(cluster, () => sleep(seconds * 1000));
    const alone = await measured(cluster, () => change(PER_SECOND, seconds));
    await Promise.all([cluster.observer, cluster.holder].map((load) => load.ask('setRenewing', true)));
    await sleep(RHYTHM_MS);
    const both = await measured(cluster, () => change(changes, seconds));
    const perChangeMs = above(idle, alone) / alone.result.made;
    return {
      instances,
      watchers,
      changeUs: 1000 * perChangeMs,
      renewalUs: (1000 * (above(idle, both) - perChangeMs * both.result.made)) / both.renewed,
      idleShare: idle.registryCpuMs / idle.tookMs,
      share: both.registryCpuMs / both.tookMs,
      p50: both.result.p50,
      p99: both.result.p99,
      peakMiB: both.peakMiB,
      failed: both.failed + both.forgotten,
      busyElsewhere: both.othersCpuMs / both.tookMs,
    };
  } finally {
    await cluster.close();
  }
}

/** The registry's processor time beyond what open watches take. */
function above(idle, busy) {
  return busy.registryCpuMs - (idle.registryCpuMs * busy.tookMs) / idle.tookMs;
}
