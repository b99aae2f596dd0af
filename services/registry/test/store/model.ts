import { afterEach, describe, expect, it } from '@jest/globals';
import type { Random } from '@rondo/rpc/clock';
import { seededRandom } from '@rondo/rpc/testing';
import type { Instance } from '../../src/domain/instance.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, listed, type MakeStore, ownSecret, registration, WatchClient } from './fixture.js';

const SERVICES = ['x.A', 'x.B', 'x.C'];

/** The amount of test data. A store that takes milliseconds for each change gets less. */
export interface StoreSizes {
  /** How many leases run out concurrently. */
  readonly leases?: number;
  /** How many instances of nearly the maximum size, a multiple of four. */
  readonly large?: number;
  /** How many random runs there are, and the number of steps of each. */
  readonly seeds?: number;
  readonly steps?: number;
}

/**
 * A random model test: a watcher that has read every event knows what the registry knows, whatever happens and however
 * slowly it reads.
 */
export function describeModel(makeStore: MakeStore, { seeds = 12, steps = 400 }: StoreSizes = {}): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  describe('a watcher that has read everything', () => {
    it.each(Array.from({ length: seeds }, (_, seed) => seed))(
      'knows what the registry knows, seed %i',
      async (seed) => {
        const random = seededRandom(seed);
        const removalsKept = seed % 2 === 0 ? 6 : 1000;
        const { store, clock } = await fixture.start({ removalsKept, warmingMs: seed % 3 === 0 ? 20_000 : 0 });
        const watchers = [...SERVICES, undefined].flatMap((service) => [service, service]);
        let followers = watchers.map((service) => ({ service, follower: new WatchClient(store, service) }));
        const leases = new Map<string, string>();
        for (let step = 0; step < steps; step += 1) {
          await change(store, leases, random);
          if (random.next() < 0.1) await clock.advance(random.next() * 3000);
          for (const { follower } of followers) if (random.next() < 0.2) await follower.poll(clock);
          followers = followers.map((one) => (random.next() < 0.03 ? resumed(store, one) : one));
        }
        for (const { service, follower } of followers) {
          while ((await follower.poll(clock)) !== undefined);
          expect(byId(follower.held.values())).toEqual(
            (await listed(store, service)).map(({ lapseTimeMs, lastRefused, ...instance }) => instance),
          );
        }
      },
    );
  });
}

async function change(store: RegistryStore, leases: Map<string, string>, random: Random): Promise<void> {
  const instanceId = `i-${Math.floor(random.next() * 12)}`;
  const lease = { leaseId: leases.get(instanceId) ?? 'none', instanceId };
  const kind = random.next();
  try {
    if (kind < 0.4) {
      const services = SERVICES.filter(() => random.next() < 0.5);
      const incarnation = BigInt(Math.floor(random.next() * 3) + 1);
      // Large enough that a few instances fill a message, so that snapshots and deltas come in parts.
      const metadata = { filler: 'x'.repeat(Math.floor(random.next() * 400_000)) };
      const part = { instanceId, incarnation, services: services.length > 0 ? services : ['x.A'], metadata };
      leases.set(
        instanceId,
        (await store.register(registration(part), 3000 + random.next() * 5000, ownSecret())).leaseId,
      );
    } else if (kind < 0.7) await store.update(lease, { weight: Math.floor(random.next() * 100) + 1 });
    else if (kind < 0.8) await store.deregister(lease);
    else await store.renew(lease);
  } catch (error) {
    if (!(error instanceof Error) || !['LeaseNotFound', 'InstanceTakenOver'].includes(error.name)) throw error;
  }
}

/** Resumes a watcher on a new stream from its position, with the instances that it held. */
function resumed(store: RegistryStore, { service, follower }: { service: string | undefined; follower: WatchClient }) {
  follower.stop();
  const next = new WatchClient(store, service, follower.position);
  for (const [instanceId, instance] of follower.held) next.held.set(instanceId, instance);
  next.position = follower.position;
  return { service, follower: next };
}

function byId(instances: Iterable<Instance>): readonly Instance[] {
  return [...instances].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
}
