import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRegistry, startWorker } from '@rondo/harness';
import { now } from './caller.mjs';

const REPLICA = new URL('./replica-main.mjs', import.meta.url);
const CLIENT = new URL('./client-main.mjs', import.meta.url);
const WARMING_MS = 200;

/** Starts a registry. The replicas and clients that are started around it end with `close`. */
export async function createTestbed() {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
  const workers = [];
  const registry = await startRegistry({ warmingMs: WARMING_MS, logFile: path.join(folder, 'registry.log') });
  const start = (main, env) => {
    const worker = startWorker(main, { env: { RONDO_REGISTRY: registry.address, ...env } });
    workers.push(worker);
    return worker;
  };

  const load = { made: 0, skipped: 0 };
  const count = (loaded) => {
    load.made += loaded.calls.length;
    load.skipped += loaded.skipped;
    return loaded;
  };

  return {
    /** How many calls at a rate the clients made, and how many they skipped, as they stood still when those were due. */
    load,
    /**
     * Starts a replica, and gives it once it listens: `id`, `behave`, `kill`.
     *
     * @param options `weight`, `zone`, `metadata` as it registers them; how it behaves: see replica-main.mjs.
     */
    async replica(id, { weight, zone, metadata, ...behaviour } = {}) {
      const worker = start(REPLICA, replicaVariables(id, { weight, zone, metadata }));
      await worker.ask('behave', behaviour);
      await worker.ask('address');
      return { id, behave: (how) => worker.ask('behave', how), kill: () => worker.close() };
    },
    /** Several at once. */
    replicas(ids, options) {
      return Promise.all(ids.map((id) => this.replica(id, options)));
    },
    /**
     * Starts a client, and gives it once it is connected to `knows` instances.
     *
     * @param options `balancing` of the service as in RONDO_BALANCING; `zone`; `naive` for the client of control runs.
     */
    async client({ knows, balancing, zone, naive }) {
      const worker = start(CLIENT, clientVariables({ balancing, zone }));
      await worker.ask('open', { naive });
      await worker.ask('know', knows);
      return {
        load: async (options) => count(await worker.ask('load', options)),
        know: (many) => worker.ask('know', many),
        close: () => worker.close(),
      };
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await registry.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Has a client call at a rate for `seconds`, and meanwhile runs `events`, each `{ at, run }` with `at` in seconds.
 *
 * @returns `calls`, how many were `skipped`, and `origin`: when it began, in milliseconds.
 */
export async function timeline(client, { perSecond, seconds, methods, keys, events = [] }) {
  const origin = now();
  const loading = client.load({ perSecond, count: Math.round(perSecond * seconds), methods, keys });
  const happening = (async () => {
    for (const { at, run } of events) {
      await sleep(Math.max(0, origin + at * 1000 - now()));
      await run();
    }
  })();
  const [{ calls, skipped }] = await Promise.all([loading, happening]);
  return { calls, skipped, origin };
}

function replicaVariables(id, { weight, zone, metadata }) {
  return {
    RONDO_INSTANCE_ID: id,
    RONDO_LISTEN: '127.0.0.1:0',
    RONDO_LOG_LEVEL: 'fatal',
    ...(weight && { RONDO_WEIGHT: String(weight) }),
    ...(zone && { RONDO_ZONE: zone }),
    ...(metadata && { RONDO_METADATA: metadata }),
  };
}

function clientVariables({ balancing, zone }) {
  return {
    ...(balancing && { RONDO_BALANCING: `rondo.conformance.v1.AdderService=${balancing}` }),
    ...(zone && { RONDO_ZONE: zone }),
  };
}
