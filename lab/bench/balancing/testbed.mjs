import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRegistry, startWorker } from '@rondo/harness';
import { systemClock } from '@rondo/rpc/clock';

const REPLICA = new URL('./replica-main.mjs', import.meta.url);
const CLIENT = new URL('./client-main.mjs', import.meta.url);
const WARMING_MS = 200;

/** Starts a registry, whose log goes to a folder. The replicas and clients that are started around it end with `close`. */
export async function createTestbed({ folder }) {
  const workers = [];
  const registry = await startRegistry({ warmingMs: WARMING_MS, logFile: path.join(folder, 'registry.log') });
  const start = (main, env) => {
    const worker = startWorker(main, { env: { RONDO_REGISTRY: registry.address, ...env } });
    workers.push(worker);
    return worker;
  };

  return {
    /**
     * Starts a replica, and gives it once it listens: `behave`, `kill`.
     *
     * @param options `weight` and `zone` as it registers them; how it behaves: see replica-main.mjs.
     */
    async replica(id, { weight, zone, ...behaviour } = {}) {
      const worker = start(REPLICA, {
        RONDO_INSTANCE_ID: id,
        RONDO_LISTEN: '127.0.0.1:0',
        RONDO_LOG_LEVEL: 'fatal',
        RONDO_WEIGHT: weight,
        RONDO_ZONE: zone,
      });
      await worker.ask('behave', behaviour);
      await worker.ask('address');
      return { behave: (how) => worker.ask('behave', how), kill: () => worker.close() };
    },
    /** Several at once. */
    replicas(ids, options) {
      return Promise.all(ids.map((id) => this.replica(id, options)));
    },
    /** Starts a client, and gives what makes it call at a rate, once it is connected to `knows` instances. `balancing` is as in RONDO_BALANCING. */
    async client({ knows, balancing, zone }) {
      const worker = start(CLIENT, {
        RONDO_BALANCING: `rondo.conformance.v1.PinnedService=${balancing}`,
        RONDO_ZONE: zone,
      });
      await worker.ask('know', knows);
      return (options) => worker.ask('load', options);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await registry.stop('SIGKILL');
    },
  };
}

/** Makes calls at a rate for `seconds`, and meanwhile runs `events`, each `{ at, run }` with `at` in seconds. Gives the calls, and when they began in milliseconds. */
export async function timeline(load, { perSecond, seconds, keys, events }) {
  const origin = systemClock.now();
  const loading = load({ perSecond, count: Math.round(perSecond * seconds), keys });
  const happening = (async () => {
    for (const { at, run } of events) {
      await sleep(Math.max(0, origin + at * 1000 - systemClock.now()));
      await run();
    }
  })();
  const [calls] = await Promise.all([loading, happening]);
  return { calls, origin };
}
