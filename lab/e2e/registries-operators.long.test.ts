/** Registries of other kinds, real ones: an instance that is killed, or that an operator takes out by the registry's own tools. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually, root, runNode, start } from '@rondo/harness';
import type { RegistryAdapter } from '@rondo/registries';
import { CONSUL, type ForeignRegistry, startSecondAgent } from './src/foreign-registry.js';
import { closings, eachKind, startSystem } from './src/foreign-system.js';

const SERVICE = 'calculator.v1.CalculatorService';

/** How an operator takes calculator-b out. */
interface Drain {
  readonly name: string;
  /** Where calculator-b registers: calculator-a may have to stay. */
  place(registry: ForeignRegistry): Promise<string>;
  set(address: string, isOut: boolean): Promise<void>;
}

const maint = (name: string, ...args: readonly string[]): Drain => ({
  name,
  async place(registry) {
    const agent = await startSecondAgent(registry.address);
    closings.push(agent.stop);
    return agent.address;
  },
  async set(address, isOut) {
    const { code, stderr } = await start(CONSUL, [
      ...['maint', `-http-addr=${address}`, isOut ? '-enable' : '-disable', ...args],
    ]).ended;
    expect([code, stderr]).toEqual([0, '']);
  },
});

const DRAINS: Readonly<Record<string, readonly Drain[]>> = {
  Consul: [maint('maintenance', `-service=calculator-b:${SERVICE}`), maint('maintenance of its node')],
  Eureka: [
    {
      name: 'OUT_OF_SERVICE',
      place: async ({ address }) => address,
      async set(address, isOut) {
        const url = `http://${address}/eureka/apps/${SERVICE.toUpperCase()}/calculator-b:${SERVICE}/status`;
        const { status } = isOut
          ? await fetch(`${url}?value=OUT_OF_SERVICE`, { method: 'PUT' })
          : await fetch(url, { method: 'DELETE' });
        expect(status).toBe(200);
      },
    },
  ],
};

/** The ids that the registry lists now. */
async function listed(adapter: RegistryAdapter): Promise<readonly string[]> {
  for await (const instances of adapter.watch(SERVICE, AbortSignal.timeout(60_000)))
    if (instances) return instances.map(({ instanceId }) => instanceId).toSorted();
  return [];
}

/** Starts two instances, of which calculator-b registers at `url`, and a client that calls both. */
async function startPair(registry: ForeignRegistry, url?: string) {
  const system = await startSystem(registry);
  const [, b] = await Promise.all([system.startInstance('calculator-a'), system.startInstance('calculator-b', url)]);
  const { adapter } = await registry.open();
  return { ...system, b, adapter, client: await system.startClient({ perSecond: 300 }) };
}

eachKind((kind, begin) => {
  it('has no client pick an instance that was killed after its first failed connection, and drops it after its TTL', async () => {
    const { registry, b, adapter, client } = await startPair(await begin());
    const began = performance.now();
    await b.stop('SIGKILL');
    await eventually(async () => expect(await listed(adapter)).toEqual(['calculator-a']));
    const tookMs = Math.round(performance.now() - began);
    const { attempts, afterTheFirst } = client.failed('calculator-b');
    process.stdout.write(
      `${kind}: gone ${tookMs} ms after it was killed, with a TTL of ${registry.ttlMs} ms; ${attempts} attempts failed, ${client.failures.length} calls\n`,
    );
    expect([client.failures, afterTheFirst]).toEqual([[], 0]);
    expect(tookMs).toBeLessThan(3 * registry.ttlMs);
  });

  for (const { name, place, set } of DRAINS[kind] ?? []) {
    it(`drains an instance by ${name}, as rondo drain does`, async () => {
      const registry = await begin();
      const at = await place(registry);
      const { client } = await startPair(registry, registry.urlAt(at));
      await set(at, true);
      await client.leaves('calculator-b');
      const env = { RONDO_REGISTRY: registry.url };
      const ps = async () => (await runNode([join(root, 'scripts/rondo.mjs'), 'ps'], { env })).stdout;
      expect(await ps()).toMatch(/^calculator-b .*cordoned/im);
      await sleep(2 * registry.ttlMs); // its renewals don't undo it
      await client.leaves('calculator-b');
      await set(at, false);
      await client.reaches('calculator-a', 'calculator-b');
      expect(client.failures).toEqual([]);
      await eventually(async () => expect(await ps()).not.toMatch(/cordoned/i));
    });
  }

  if (kind !== 'Eureka') return;
  describe('while it protects itself', () => {
    it('lists instances that are gone, which no client picks after the first failed connection', async () => {
      // It expects twice the renewals that it gets, so it doubts the network and not the instances.
      const settings = ['enable-self-preservation=true', 'expected-client-renewal-interval-seconds=1'];
      const registry = await begin(settings.map((setting) => `eureka.server.${setting}`));
      const { path, b, adapter, client } = await startPair(registry);
      path.stall();
      await sleep(4 * registry.ttlMs);
      expect(await listed(adapter)).toEqual(['calculator-a', 'calculator-b']);
      path.resume();
      await b.stop('SIGKILL');
      await sleep(4 * registry.ttlMs);
      expect(await listed(adapter)).toEqual(['calculator-a', 'calculator-b']);
      expect([client.failures, client.failed('calculator-b').afterTheFirst]).toEqual([[], 0]);
    });
  });
});
