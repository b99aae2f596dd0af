import { afterEach, describe } from '@jest/globals';
import { startService } from '@rondo/harness';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { type ForeignKind, type ForeignRegistry, foreignKinds } from './foreign-registry.js';
import { startLoad } from './outage-load.js';

/** What is closed after the test, the latest first. */
export const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** Defines tests of each kind of registry that can be started here. `begin` starts one for the test. */
export function eachKind(define: (name: string, begin: ForeignKind['start']) => void): void {
  for (const { name, missing, start } of foreignKinds) {
    (missing === undefined ? describe : describe.skip)(`${name} ${missing ?? ''}`, () => {
      define(name, async (settings) => {
        const registry = await start(settings);
        closings.push(() => registry.stop());
        return registry;
      });
    });
  }
}

/** A process that calls the calculator, as far as its load goes, with a path to the registry of its own. */
export type Client = Awaited<ReturnType<System['startClient']>>;

/** The instances of the calculator and their clients over a registry. */
export type System = Awaited<ReturnType<typeof startSystem>>;

/** Starts a system without instances and clients. */
export async function startSystem(registry: ForeignRegistry) {
  const path = await startTcpProxy({ target: registry.address });
  closings.push(() => path.close());
  return {
    registry,
    /** By which instances reach the registry. */
    path,
    /** Starts an instance, which registers by `path` unless a URL is given. */
    async startInstance(instanceId: string, url = registry.urlAt(path.address)) {
      const env = { RONDO_LEASE_TTL_MS: String(registry.ttlMs) };
      const instance = await startService('calculator', { instanceId, registry: url, env });
      closings.push(() => instance.stop());
      return instance;
    },
    /** Starts a client, which has called calculator-a and calculator-b. */
    async startClient({ guarded = true, perSecond = 150 } = {}) {
      const { adapter, cutOff, rejoin } = await registry.open();
      const load = startLoad(adapter, { guarded, perSecond });
      closings.push(() => load.end());
      await load.reaches('calculator-a', 'calculator-b');
      return Object.assign(load, { cutOff, rejoin });
    },
  };
}
