/**
 * Several processes that register under one instance id at a real registry, through the registration code of every
 * service.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '@rondo/rpc/call';
import { seededRandom } from '@rondo/rpc/testing';
import { createState, readinessOf, startRegistration } from '@rondo/service/testing';
import { refusal, SALES, SECRET, sales, start, stopAll } from './started-registry.js';
import { recordingLog } from './store/fixture.js';

afterEach(stopAll);

const TTL_MS = 9_000;
type Registry = ReturnType<typeof start>;

interface Process {
  readonly address: string;
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** Starts a process with the id `sales-1`, on a machine whose clock is ahead by `aheadMs`. */
function begin({ registry, clock }: Registry, seed: number, aheadMs = 0): Process {
  const { log, lines }: { log: Logger; lines: string[] } = recordingLog();
  const address = `10.0.0.${seed}:50053`;
  const endpoint = { address, protocols: [], security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined };
  const registration = startRegistration({
    registry,
    instance: {
      instanceId: 'sales-1',
      incarnation: BigInt(clock.now() + aheadMs),
      endpoints: [endpoint],
      services: [SALES],
      zone: '',
      version: '',
      weight: 0,
      metadata: {},
      fingerprints: {},
    },
    readiness: createState(readinessOf([])),
    ttlMs: TTL_MS,
    clock,
    random: seededRandom(seed),
    log,
  });
  return { address, lines, close: () => registration.close() };
}

async function holder({ registry }: Registry) {
  const [instance] = (await registry.listInstances({ service: SALES })).instances;
  return instance?.endpoints[0]?.address;
}

describe('two processes with one instance id', () => {
  it('do not alternate: the later one holds the id as long as it lives, and each logs this once', async () => {
    const scene = start();
    const earlier = begin(scene, 1);
    await scene.clock.advance(5_000);
    const later = begin(scene, 2);
    await scene.clock.advance(TTL_MS);
    const { position } = await scene.registry.listServices({});
    for (let minute = 0; minute < 10; minute += 1) {
      await scene.clock.advance(60_000);
      expect(await holder(scene)).toBe(later.address);
    }
    expect((await scene.registry.listServices({})).position).toEqual(position);
    expect(earlier.lines).toEqual([
      'info: registered',
      expect.stringMatching(/^error: another process registered as sales-1/),
    ]);
    expect(later.lines).toEqual(['info: registered']);
    const [instance] = (await scene.registry.listInstances({})).instances;
    expect(instance?.lastRefused).toMatchObject({ address: earlier.address });
    await Promise.all([earlier.close(), later.close()]);
  });

  it.each([
    ['deregistered', TTL_MS],
    ['died', 2 * TTL_MS],
  ])('the earlier one is back within a TTL after the later one %s', async (how, withinMs) => {
    const scene = start();
    const earlier = begin(scene, 1);
    await scene.clock.advance(5_000);
    const later = { ...sales({ incarnation: BigInt(scene.clock.now()) }) };
    const { leaseId } = await scene.registry.register({ instance: later, ttl: { seconds: 9n } });
    await scene.clock.advance(4_000);
    expect(await holder(scene)).toBe('127.0.0.1:50053');
    if (how === 'deregistered') await scene.registry.deregister({ leaseId, instanceId: 'sales-1' });
    await scene.clock.advance(withinMs);
    expect(await holder(scene)).toBe(earlier.address);
    expect(earlier.lines.at(-1)).toBe('info: registered again: the other process of sales-1 is gone');
    await scene.clock.advance(60_000);
    expect(await holder(scene)).toBe(earlier.address);
    await earlier.close();
    expect(await holder(scene)).toBeUndefined();
  });

  it('that started in one millisecond do not share a lease: the first holds it, the second waits', async () => {
    const scene = start();
    const [first, second] = [begin(scene, 1), begin(scene, 2)];
    await scene.clock.advance(60_000);
    expect(await holder(scene)).toBe(first.address);
    expect(second.lines).toEqual([expect.stringMatching(/^warn: the registry holds this instance id for another/)]);
    await first.close();
    await scene.clock.advance(TTL_MS);
    expect(await holder(scene)).toBe(second.address);
    await second.close();
  });
});

describe("a process whose machine's clock is ahead", () => {
  it('registers at once, and gives way to a process that starts after it', async () => {
    const scene = start();
    const skewed = begin(scene, 1, 3_600_000);
    await scene.clock.advance(5_000);
    expect(await holder(scene)).toBe(skewed.address);
    const next = begin(scene, 2);
    await scene.clock.advance(TTL_MS);
    expect(await holder(scene)).toBe(next.address);
    await Promise.all([skewed.close(), next.close()]);
  });

  it("gets the rule, the registry's time and what to do, with any client", async () => {
    const { registry, clock, measured } = start();
    const incarnation = BigInt(clock.now() + 3_600_000);
    const error = await refusal(registry.register({ instance: sales({ incarnation }), secret: SECRET }));
    expect(error.codeName).toBe('INVALID_ARGUMENT');
    expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([
      {
        field: 'instance.incarnation',
        description: `is ${incarnation}, and may be at most 60 s ahead of the registry's clock, 2026-01-01T00:00:00.000Z; set the clock of this machine, or of the registry, by NTP and start the process again`,
      },
    ]);
    expect(error.detail(ErrorInfo)).toMatchObject({
      reason: 'INCARNATION_AHEAD',
      domain: 'registry',
      metadata: { registry_time_ms: String(clock.now()) },
    });
    expect(measured()['rondo.registry.refused_registrations incarnation_ahead']).toBe(1);
  });
});

describe('a registration that is repeated', () => {
  it('without its secret is refused with what to do, counted and logged', async () => {
    const { log, lines } = recordingLog();
    const { registry, measured } = start({}, log);
    await registry.register({ instance: sales(), secret: SECRET });
    const error = await refusal(registry.register({ instance: sales(), secret: Buffer.alloc(32, 8) }));
    expect([error.codeName, error.message]).toEqual([
      'PERMISSION_DENIED',
      'instance id "sales-1" is held by a process of the same incarnation, 1: send the secret that it registered with, or give this process its own RONDO_INSTANCE_ID',
    ]);
    expect(error.detail(ErrorInfo)).toMatchObject({ reason: 'INSTANCE_ID_HELD', domain: 'registry' });
    expect(measured()['rondo.registry.refused_registrations secret']).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^warn: a registration was refused: .*didn't send that process's secret/),
    );
  });
});
