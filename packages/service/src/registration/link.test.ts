import { describe, expect, it } from '@jest/globals';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { createRouter } from '@rondo/rpc/server';
import { createMemoryNetwork, ManualClock, seededRandom } from '@rondo/rpc/testing';
import { createFakeRegistry, INSTANCE, TTL_MS, unavailable } from '../../test/fake-registry.js';
import { recordingLogger } from '../../test/recording-logger.js';
import { createState, readinessOf } from '../state.js';
import { createRegistryLink } from './link.js';
import { startRegistration } from './registration.js';

/** An instance and registries that the test controls. */
function begin(addresses: readonly string[], { seed = 1, next = seededRandom(seed).next } = {}) {
  const clock = new ManualClock();
  const random = { ...seededRandom(seed), next };
  const network = createMemoryNetwork();
  const { log, lines } = recordingLogger();
  const registries = addresses.map((address) => {
    const { fake, services } = createFakeRegistry();
    const start = () => network.listen(address, createRouter({ services, clock }));
    let listener = start();
    return {
      fake,
      kill: () => listener.close(),
      restart: () => {
        fake.known = false;
        listener = start();
      },
    };
  });
  const { transport } = network;
  const link = createRegistryLink({ addresses, clock, random, log, transport });
  const registration = startRegistration({
    registry: createClient(RegistryServiceDefinition, { channel: link.channel }),
    link,
    instance: INSTANCE,
    readiness: createState(readinessOf([])),
    ttlMs: TTL_MS,
    clock,
    random,
    log,
  });
  const chosen = () => registries.filter(({ fake }) => fake.calls.length > 0);
  return { clock, registries, chosen, lines, link, registration };
}

type TestRegistry = ReturnType<typeof begin>['registries'][number];

describe('a registration with one of several registries', () => {
  it.each([1, 2, 3])('stays with the first one that answers (seed %s)', async (seed) => {
    const { clock, chosen, lines } = begin(['a:1', 'b:1', 'c:1'], { seed });
    await clock.advance(60_000);
    expect(chosen()).toHaveLength(1);
    expect(chosen()[0]?.fake.registered).toHaveLength(1);
    expect(lines).toEqual(['info: registered']);
  });

  it.each([
    ['is killed', ({ kill }: TestRegistry) => kill()],
    [
      'answers nothing',
      ({ fake }: TestRegistry) => {
        fake.hangs = true;
      },
    ],
    [
      'has lost its store',
      ({ fake }: TestRegistry) => {
        fake.fault = unavailable();
      },
    ],
  ])('renews within the lease at another registry if that one %s, and stays there', async (_how, harm) => {
    const { clock, registries, chosen, lines } = begin(['a:1', 'b:1', 'c:1']);
    for (const { fake } of registries) fake.known = true;
    await clock.advance(1_000);
    const [first] = chosen();
    if (first === undefined) throw new Error('no registry was asked');
    harm(first);
    await clock.advance(TTL_MS - 1_000);
    const [second, ...more] = registries.filter((registry) => registry !== first && registry.fake.calls.length > 0);
    expect(second?.fake.calls[0]).toBe('renew lease-1');
    expect(more).toEqual([]);
    const asked = first.fake.calls.length;
    await clock.advance(60_000);
    expect(first.fake.calls).toHaveLength(asked);
    expect(lines).toEqual(['info: registered']);
  });

  it('deregisters at another registry if its own is gone', async () => {
    const { clock, registries, chosen, registration } = begin(['a:1', 'b:1']);
    await clock.advance(1_000);
    const [first] = chosen();
    first?.kill();
    await registration.close();
    const other = registries.find((registry) => registry !== first);
    expect(other?.fake.calls).toEqual(['deregister lease-1']);
    expect(clock.timers).toBe(0);
  });

  it('keeps trying all registries during a long outage, and logs it once', async () => {
    const { clock, registries, lines } = begin(['a:1', 'b:1', 'c:1']);
    await clock.advance(1_000);
    for (const { kill } of registries) kill();
    await clock.advance(300_000);
    const [, second] = registries;
    second?.restart();
    await clock.advance(1_000);
    expect(second?.fake.registered).toHaveLength(1);
    expect(lines.map((line) => line.split(';')[0])).toEqual([
      'info: registered',
      'warn: the registry is away: serving on without it, trying again',
      'info: the registry has forgotten this instance: registering again',
      'info: the registry is back',
    ]);
  });
});

describe('a registration whose registry is back after a break', () => {
  it('renews at once, before its regular renewal', async () => {
    const { clock, registries } = begin(['a:1'], { next: () => 0.5 });
    const [registry] = registries;
    await clock.advance(100);
    registry?.kill();
    registry?.restart();
    await clock.advance(499);
    expect(registry?.fake.calls).toEqual(['register']);
    await clock.advance(1);
    expect(registry?.fake.calls).toEqual(['register', 'renew lease-1', 'register']);
  });

  it('renews at another time than other instances', async () => {
    const moments = new Set<number>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const { clock, registries } = begin(['a:1'], { seed });
      const [registry] = registries;
      await clock.advance(100);
      registry?.kill();
      registry?.restart();
      let waitedMs = 0;
      for (; waitedMs <= 1_000 && registry?.fake.calls.length === 1; waitedMs += 50) await clock.advance(50);
      moments.add(waitedMs);
    }
    expect(Math.max(...moments)).toBeLessThanOrEqual(1_000);
    expect(moments.size).toBeGreaterThan(5);
  });

  it('renews once, not again if a regular renewal came in between', async () => {
    const { clock, registries } = begin(['a:1'], { next: () => 1 });
    const [registry] = registries;
    await clock.advance(2_500);
    registry?.kill();
    registry?.restart();
    // Its regular renewal is at 3,000; the one for the reconnect would be at 3,500.
    await clock.advance(2_500);
    expect(registry?.fake.calls).toEqual(['register', 'renew lease-1', 'register']);
  });

  it('leaves no timer when it is closed in between', async () => {
    const { clock, registries, registration, link } = begin(['a:1']);
    await clock.advance(100);
    registries[0]?.kill();
    registries[0]?.restart();
    await registration.close();
    link.channel.close();
    await clock.advance(0);
    expect(clock.timers).toBe(0);
  });
});
