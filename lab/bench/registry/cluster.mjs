import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, eventually, freePort, machineCpuMs, memoryMiB, startRegistry, startWorker } from '@rondo/harness';
import { connect } from './connection.mjs';

const LOAD = new URL('./load-main.mjs', import.meta.url);
const READY_MS = 120_000;
/** A registry that starts empty is warming for so long; then every watch gets a whole snapshot. */
export const WARMING_MS = 10_000;
/** Over how long instances that start together register. */
const SPREAD_MS = 5000;

/**
 * Starts a registry and its load in two workers: an observer that watches, makes the changes and holds one instance of each
 * service, and a holder of all other instances. Resolves when all are registered and every watch has its snapshot.
 *
 * @param options `instances`, `services`, `watchers`, `connections` (in all), `renewing`, and the registry's `warmingMs` and
 *   `logFile`.
 */
export async function startCluster(options) {
  const { instances, services, watchers, connections, renewing = true } = options;
  const { warmingMs = WARMING_MS, logFile } = options;
  // It comes back at the same address.
  const listen = `127.0.0.1:${await freePort()}`;
  const [observer, holder] = [startWorker(LOAD), startWorker(LOAD)];
  const loads = [observer, holder];
  const cluster = { registry: undefined, observer, holder, loads, logFile };
  cluster.start = async () => {
    cluster.registry = await startRegistry({ listen, warmingMs, logFile });
  };
  cluster.close = async () => {
    for (const load of loads) await load.close();
    await cluster.registry?.stop();
  };
  try {
    await cluster.start();
    const { address } = cluster.registry;
    const own = Math.min(services, instances);
    const half = Math.ceil(connections / 2);
    const leases = { address, services, spreadMs: SPREAD_MS, renewing };
    // Each watcher represents a client. Watchers share connections if there are fewer connections.
    const watching = Math.min(half, watchers);
    await observer.ask('watch', { address, connections: watching, count: watchers, services });
    await observer.ask('hold', { ...leases, connections: Math.max(1, half - watching), first: 0, count: own });
    await holder.ask('hold', { ...leases, connections: half, first: own, count: instances - own });
    await settled(cluster, options);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Waits until every instance is registered and every watcher knows each of its service. */
export async function settled({ observer, holder }, { instances, services, watchers }) {
  const wanted = watchedInstances({ instances, services, watchers });
  const areThere = async () => {
    const [watching, holding] = await Promise.all([observer.ask('state'), holder.ask('state')]);
    const registered = watching.registered + holding.registered;
    if (registered === instances && watching.whole === watchers && watching.instances === wanted) return;
    throw new Error(`${registered} instances, ${watching.whole} watches that know ${watching.instances} of ${wanted}`);
  };
  await eventually(areThere, { timeoutMs: READY_MS });
}

/** How many instances all watchers know together when each knows its service. */
export function watchedInstances({ instances, services, watchers }) {
  let sum = 0;
  for (let watcher = 0; watcher < watchers; watcher += 1) {
    const service = watcher % services;
    sum += Math.floor(instances / services) + (service < instances % services ? 1 : 0);
  }
  return sum;
}

/** Measures what the registry, the load and the rest of the machine use while `work` runs. */
export async function measured({ registry, loads }, work) {
  for (const load of loads) await load.ask('take');
  const usedMs = () => [registry.pid, process.pid, ...loads.map(({ pid }) => pid)].map((pid) => cpuMs(pid));
  const [machineBefore, before, startedAt] = [machineCpuMs(), usedMs(), performance.now()];
  const result = await work();
  const tookMs = performance.now() - startedAt;
  const [machineAfter, after] = [machineCpuMs(), usedMs()];
  const used = after.map((ms, index) => ms - before[index]);
  const tallies = [];
  for (const load of loads) tallies.push(await load.ask('take'));
  return {
    result,
    tookMs,
    registryCpuMs: used[0],
    loadCpuMs: used.slice(1).reduce((sum, ms) => sum + ms, 0),
    othersCpuMs: machineAfter - machineBefore - used.reduce((sum, ms) => sum + ms, 0),
    renewed: sum(tallies, 'renewed'),
    registered: sum(tallies, 'registered'),
    failed: sum(tallies, 'failed'),
    forgotten: sum(tallies, 'forgotten'),
    watches: tallies[0].watches,
    observerLateMs: tallies[0].lateMs,
    peakMiB: memoryMiB(registry.pid).peak,
  };
}

const sum = (tallies, field) => tallies.reduce((total, { leases }) => total + (leases?.[field] ?? 0), 0);

/** Lists the registry's services again and again until `until`, called with the number of instances, returns true; gives the slowest answer. */
export async function poll(address, until) {
  const connection = connect(address);
  let slowestMs = 0;
  let refused = 0;
  let lastRefusal = 'nothing';
  const lastAt = performance.now() + READY_MS;
  try {
    for (;;) {
      const askedAt = performance.now();
      try {
        const { services } = await connection.listServices({});
        slowestMs = Math.max(slowestMs, performance.now() - askedAt);
        if (until(services.reduce((total, { instances }) => total + instances, 0))) return { slowestMs, refused };
      } catch (error) {
        refused += 1;
        lastRefusal = error.message;
      }
      if (performance.now() > lastAt) throw new Error(`the registry didn't come back; it last said: ${lastRefusal}`);
      await sleep(50);
    }
  } finally {
    connection.close();
  }
}

/** How many leases ran out, by the registry's own log. */
export function expiredOf({ logFile }) {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('instance expired')).length;
}
