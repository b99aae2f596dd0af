/** Registries of other kinds, real ones: what each adapter must do, and calls that go on through their outages. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ServiceProcess, startService } from '@rondo/harness';
import { registryConformance } from '@rondo/registries/testing';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { type ForeignRegistry, foreignKinds } from './src/foreign-registry.js';
import { type Load, startLoad } from './src/outage-load.js';

/** A system over a registry: the services reach it by a path of their own. */
interface System {
  readonly registry: ForeignRegistry;
  readonly path: Awaited<ReturnType<typeof startTcpProxy>>;
}

interface Outage {
  readonly name: string;
  /** Whether a client that drops what isn't listed fails calls. */
  readonly needsGuard: boolean;
  run(system: System): Promise<void>;
}

const OUTAGES: readonly Outage[] = [
  {
    name: 'frozen for longer than any lease',
    needsGuard: false,
    async run({ registry }) {
      registry.freeze();
      await sleep(4 * registry.ttlMs);
      registry.thaw();
    },
  },
  {
    name: 'killed',
    needsGuard: false,
    async run({ registry }) {
      await registry.kill();
      await sleep(4 * registry.ttlMs);
      await registry.restart({ empty: false });
    },
  },
  {
    name: 'killed, and empty afterwards',
    needsGuard: true,
    async run({ registry, path }) {
      // No instance is back before clients have seen the empty list.
      path.stall();
      await registry.kill();
      await registry.restart({ empty: true });
      await sleep(3 * registry.ttlMs);
      path.resume();
    },
  },
  {
    name: 'slow by 5 s',
    needsGuard: false,
    async run({ registry }) {
      for (let answer = 0; answer < 4; answer += 1) {
        registry.freeze();
        await sleep(5_000);
        registry.thaw();
        await sleep(100);
      }
    },
  },
  {
    name: 'cut off from all live instances until their entries are gone',
    needsGuard: true,
    async run({ registry, path }) {
      path.stall();
      await sleep(4 * registry.ttlMs);
      path.resume();
    },
  },
];

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

for (const { name, missing, start } of foreignKinds) {
  (missing === undefined ? describe : describe.skip)(`${name} ${missing ?? ''}`, () => {
    const begin = async (): Promise<ForeignRegistry> => {
      const registry = await start();
      closings.push(() => registry.stop());
      return registry;
    };

    it.each(registryConformance)('$name', async ({ run }) => {
      await expect(run(await begin())).resolves.toBeUndefined();
    });

    it.each(OUTAGES)('fails no call while it is $name', async ({ run, needsGuard }) => {
      const registry = await begin();
      const path = await startTcpProxy({ target: registry.address });
      closings.push(() => path.close());
      const startInstance = async (instanceId: string): Promise<ServiceProcess> => {
        const env = { RONDO_LEASE_TTL_MS: String(registry.ttlMs) };
        const instance = await startService('calculator', { instanceId, registry: registry.urlAt(path.address), env });
        closings.push(() => instance.stop());
        return instance;
      };
      await Promise.all(['calculator-a', 'calculator-b'].map(startInstance));
      const load = async (guarded: boolean): Promise<Load> => {
        const { adapter } = await registry.open();
        const started = startLoad(adapter, { guarded });
        closings.push(() => started.end());
        await started.reaches('calculator-a', 'calculator-b');
        return started;
      };
      const [guarded, unguarded] = [await load(true), await load(false)];
      await run({ registry, path });
      const late = await startInstance('calculator-c');
      await guarded.reaches('calculator-a', 'calculator-b', 'calculator-c');
      await late.stop();
      await guarded.reaches('calculator-a', 'calculator-b');
      expect(guarded.failures).toEqual([]);
      expect(guarded.count).toBeGreaterThan(300);
      if (needsGuard) expect(unguarded.failures).not.toEqual([]);
    });
  });
}
