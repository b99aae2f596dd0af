import { afterEach, describe, expect, it } from '@jest/globals';
import { serviceTimeOf } from '../../src/domain/instance.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, listed, type MakeStore, registration, secretOf, TTL_MS } from './fixture.js';

const SALES = 'sales.v1.OrderService';
const CALCULATOR = 'calculator.v1.CalculatorService';
const EVIL = 'calculator.v1.EvilService';

/** The services of all instances, by the time at which their first instance registered. */
async function order(store: RegistryStore): Promise<readonly string[]> {
  const instances = await listed(store);
  const times = instances.flatMap((instance) =>
    instance.services.map((service) => ({ service, timeMs: serviceTimeOf(instance, service) })),
  );
  return [...new Set(times.sort((one, other) => one.timeMs - other.timeMs).map(({ service }) => service))];
}

/** The order in which services first registered. */
export function describeServiceTimes(makeStore: MakeStore): void {
  describe('the time of a service', () => {
    const fixture = createFixture(makeStore);
    afterEach(() => fixture.end());

    async function begin(setup: Parameters<typeof fixture.start>[0] = {}) {
      const { store, clock } = await fixture.start(setup);
      const join = (instanceId: string, incarnation: bigint, ...services: readonly string[]) =>
        store.register(registration({ instanceId, incarnation, services }), TTL_MS, {
          secretHash: secretOf(instanceId),
        });
      return { store, clock, join };
    }

    it('stays the first while its instances are replaced, restart in place, and are all away', async () => {
      const { store, clock, join } = await begin();
      const first = await join('sales-1', 1n, SALES);
      await join('evil', 1n, EVIL);
      await clock.advance(10);
      await join('sales-2', 1n, SALES);
      await store.deregister({ leaseId: first.leaseId, instanceId: 'sales-1' });
      expect(await order(store)).toEqual([SALES, EVIL]);
      const last = await join('sales-2', 2n, SALES);
      expect(await order(store)).toEqual([SALES, EVIL]);
      await store.deregister({ leaseId: last.leaseId, instanceId: 'sales-2' });
      await join('sales-3', 1n, SALES);
      expect(await order(store)).toEqual([SALES, EVIL]);
    });

    it('is later for a service that an earlier instance adds, in one incarnation or the next', async () => {
      const { store, join } = await begin();
      await join('calculator-1', 1n, CALCULATOR);
      await join('sales-1', 1n, SALES);
      await join('calculator-1', 1n, CALCULATOR, EVIL);
      expect(await order(store)).toEqual([CALCULATOR, SALES, EVIL]);
      await join('calculator-1', 2n, EVIL, CALCULATOR);
      await join('calculator-1', 2n, CALCULATOR, EVIL);
      expect(await order(store)).toEqual([CALCULATOR, SALES, EVIL]);
    });

    it('is later for a later service, also if the clock was set back', async () => {
      let nowMs = 1_000_000;
      const { store, join } = await begin({ wallClock: { now: () => new Date(nowMs) } });
      await join('sales-1', 1n, SALES);
      nowMs -= 3_600;
      await join('evil', 1n, EVIL);
      expect(await order(store)).toEqual([SALES, EVIL]);
    });

    it('makes no revision by itself', async () => {
      const { clock, join } = await begin();
      await join('sales-1', 1n, SALES);
      await join('evil', 1n, EVIL);
      const { position } = await join('calculator-1', 1n, CALCULATOR, EVIL);
      await clock.advance(10);
      expect((await join('calculator-1', 1n, CALCULATOR, EVIL)).position).toEqual(position);
    });
  });
}
