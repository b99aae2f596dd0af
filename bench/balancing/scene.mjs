import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startChild } from '../process/child.mjs';
import { freePort, startRegistry } from '../registry/registry-process.mjs';

const REPLICA = new URL('./replica-main.mjs', import.meta.url);
const CLIENT = new URL('./client-main.mjs', import.meta.url);
const WARMING_MS = 200;

/** A registry, and processes around it that all end with `close`. */
export async function createScene() {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
  const children = [];
  const registry = await startRegistry({
    port: await freePort(),
    warmingMs: WARMING_MS,
    logFile: path.join(folder, 'registry.log'),
  });
  const start = (main, env) => {
    const child = startChild(main, { env: { RONDO_REGISTRY: registry.address, ...env } });
    children.push(child);
    return child;
  };

  const load = { made: 0, skipped: 0 };
  const count = (loaded) => {
    load.made += loaded.calls.length;
    load.skipped += loaded.skipped;
    return loaded;
  };

  return {
    /** How many calls at a rate clients made, and how many they didn't, as they stood still when those were due. */
    load,
    /**
     * Starts a replica, and gives it once it listens: `id`, `behave`, `kill`.
     *
     * @param options `weight`, `zone`, `metadata` as it registers them; how it behaves: see replica-main.mjs.
     */
    async replica(id, { weight, zone, metadata, ...behaviour } = {}) {
      const child = start(REPLICA, replicaVariables(id, { weight, zone, metadata }));
      await child.ask('behave', behaviour);
      await child.ask('address');
      return { id, behave: (how) => child.ask('behave', how), kill: () => child.close() };
    },
    /** Several at once. */
    replicas(ids, options) {
      return Promise.all(ids.map((id) => this.replica(id, options)));
    },
    /**
     * Starts a client, and gives it once it is connected to `knows` instances.
     *
     * @param options `balancing` as RONDO_BALANCING has it for the calculator; `zone`; `naive` for what controls call with;
     *   `count` for as many clients in one process.
     */
    async client({ knows, balancing, zone, naive, count: clients }) {
      const child = start(CLIENT, clientVariables({ balancing, zone }));
      await child.ask('open', { naive, count: clients });
      await child.ask('know', knows);
      return {
        load: async (options) => count(await child.ask('load', options)),
        sequence: (options) => child.ask('sequence', options),
        know: (many) => child.ask('know', many),
        close: () => child.close(),
      };
    },
    async close() {
      await Promise.all(children.map((child) => child.close()));
      await registry.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
    ...(balancing && { RONDO_BALANCING: `calculator.v1.CalculatorService=${balancing}` }),
    ...(zone && { RONDO_ZONE: zone }),
  };
}
