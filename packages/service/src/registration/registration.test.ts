import { describe, expect, it } from '@jest/globals';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { RpcError, Status } from '@rondo/rpc/status';
import { start, unavailable } from '../../test/fake-registry.js';
import { DRAINING, readinessOf } from '../state.js';

const { INSTANCE_STATUS_STARTING, INSTANCE_STATUS_SERVING, INSTANCE_STATUS_DRAINING } = InstanceStatus;

describe('a registration', () => {
  it('registers the process and its readiness', async () => {
    const { clock, fake, lines, begin } = start({ dependencies: ['the database'] });
    begin();
    await clock.advance(0);
    const status = INSTANCE_STATUS_STARTING;
    const fingerprints = { 'sales.v1.QuoteService': '3f2a' };
    expect(fake.registered).toMatchObject([
      {
        instance: { instanceId: 'sales-1', incarnation: 7n, zone: 'eu/a', fingerprints, status },
        ttl: { seconds: 9n },
      },
    ]);
    expect(lines).toEqual(['info: registered']);
  });

  it('sends each change of readiness at once', async () => {
    const { clock, fake, readiness, begin } = start({ dependencies: ['the database'] });
    begin();
    await clock.advance(0);
    readiness.set(readinessOf([]));
    await clock.advance(0);
    readiness.set(DRAINING);
    await clock.advance(0);
    expect(fake.updated).toMatchObject([
      { status: INSTANCE_STATUS_SERVING, weight: 100 },
      { status: INSTANCE_STATUS_DRAINING, weight: 100 },
    ]);
  });

  it('sends each change of its weight, also to a registry that has forgotten it', async () => {
    const { clock, fake, weight, begin } = start();
    begin();
    await clock.advance(0);
    weight.set(10);
    await clock.advance(0);
    const updateMask = ['status', 'weight'];
    expect(fake.updated).toMatchObject([{ weight: 10, status: INSTANCE_STATUS_SERVING, updateMask }]);
    fake.known = false;
    await clock.advance(3_000);
    expect(fake.registered.map(({ instance }) => instance?.weight)).toEqual([100, 10]);
  });

  it('sends a weight that changed while the registry was away; while it drains, it does not register again for one', async () => {
    const { clock, fake, readiness, weight, begin } = start();
    begin();
    await clock.advance(0);
    fake.fault = unavailable();
    weight.set(10);
    await clock.advance(0);
    weight.set(20);
    fake.fault = undefined;
    await clock.advance(3_000);
    expect(fake.updated).toMatchObject([{ weight: 20 }]);
    readiness.set(DRAINING);
    fake.known = false;
    weight.set(30);
    await clock.advance(3_000);
    expect(fake.registered).toHaveLength(1);
  });

  it('numbers its requests in sequence, across outages', async () => {
    const { clock, fake, readiness, begin } = start({ dependencies: ['the database'] });
    begin();
    await clock.advance(0);
    fake.known = false;
    readiness.set(readinessOf([]));
    await clock.advance(0);
    readiness.set(DRAINING);
    await clock.advance(0);
    expect(fake.calls).toEqual(['register', 'update lease-1', 'register', 'update lease-2']);
    expect(fake.registered.map(({ sequence }) => sequence)).toEqual([1n, 3n]);
    expect(fake.updated.map(({ sequence }) => sequence)).toEqual([4n]);
  });

  it('sends a change that comes while a call is in flight', async () => {
    const { clock, fake, readiness, begin } = start({ dependencies: ['the database'] });
    begin();
    readiness.set(readinessOf([]));
    await clock.advance(0);
    expect(fake.calls).toEqual(['register', 'update lease-1']);
  });

  it('sends the status again after a change that was reverted before the registry answered, as the registry may hold it', async () => {
    const { clock, fake, readiness, begin } = start();
    begin();
    await clock.advance(0);
    fake.fault = unavailable();
    readiness.set(readinessOf(['the database']));
    await clock.advance(0);
    readiness.set(readinessOf([]));
    fake.fault = undefined;
    await clock.advance(3_000);
    expect(fake.calls.slice(0, 3)).toEqual(['register', 'update lease-1', 'update lease-1']);
    expect(fake.updated).toMatchObject([{ status: INSTANCE_STATUS_SERVING }]);
  });

  it('renews in time, even if its readiness changes often', async () => {
    const { clock, fake, readiness, begin } = start();
    begin();
    await clock.advance(0);
    for (let second = 1; second <= 9; second += 1) {
      readiness.set(readinessOf(second % 2 === 1 ? ['the database'] : []));
      await clock.advance(1_000);
    }
    expect(fake.calls.filter((call) => call === 'renew lease-1').length).toBeGreaterThanOrEqual(2);
    expect(fake.updated).toHaveLength(9);
  });

  it.each([
    [6_000, 2_000],
    [600_000, 8_000],
  ])('with a granted TTL of %i ms renews after %i ms', async (grantedTtlMs, afterMs) => {
    const { clock, fake, begin } = start();
    fake.grantedTtlMs = grantedTtlMs;
    begin();
    await clock.advance(afterMs - 1);
    expect(fake.calls).toEqual(['register']);
    await clock.advance(1);
    expect(fake.calls).toEqual(['register', 'renew lease-1']);
  });

  it('registers again at once when the registry has forgotten it', async () => {
    const { clock, fake, lines, begin } = start();
    begin();
    await clock.advance(0);
    fake.known = false;
    await clock.advance(3_000);
    expect(fake.calls).toEqual(['register', 'renew lease-1', 'register']);
    await clock.advance(3_000);
    expect(fake.calls.at(-1)).toBe('renew lease-2');
    expect(lines.at(-1)).toBe('info: the registry has forgotten this instance: registering again');
  });

  it('survives an outage of the registry: it keeps trying, and logs only its start and its end, however its tries fail', async () => {
    const { clock, fake, lines, begin } = start();
    begin();
    await clock.advance(0);
    for (const code of [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE]) {
      fake.fault = new RpcError(code, 'no answer');
      await clock.advance(30_000);
    }
    expect(fake.calls.length).toBeGreaterThan(120 / 3);
    fake.fault = undefined;
    await clock.advance(3_000);
    expect(lines).toEqual([
      'info: registered',
      'warn: the registry is away: serving on without it, trying again; no answer',
      'info: the registry is back',
    ]);
  });

  it.each([
    [9_000, 3_000],
    [3_000, 1_000],
  ])('of %i ms gives up a hanging call after %i ms, and tries again', async (ttlMs, boundMs) => {
    const { clock, fake, lines, begin } = start({ ttlMs });
    fake.hangs = true;
    begin();
    await clock.advance(boundMs - 1);
    expect(lines).toEqual([]);
    await clock.advance(1);
    expect(lines).toHaveLength(1);
    fake.hangs = false;
    await clock.advance(100);
    expect(lines.at(-1)).toBe('info: registered');
  });

  it('logs a refusal as an error, and keeps trying', async () => {
    const { clock, fake, lines, begin } = start();
    fake.fault = new RpcError(Status.INVALID_ARGUMENT, 'instance.zone: must be region/zone');
    begin();
    await clock.advance(10_000);
    expect(lines).toEqual([expect.stringMatching(/^error: the registry refuses this instance.*instance\.zone/)]);
    fake.fault = undefined;
    await clock.advance(3_000);
    expect(fake.registered).toHaveLength(1);
  });

  it('says what is wrong if the server is no registry', async () => {
    const { clock, fake, lines, begin } = start();
    fake.fault = new RpcError(Status.UNIMPLEMENTED, 'this server has no such method');
    begin();
    await clock.advance(10_000);
    expect(lines).toEqual([expect.stringMatching(/^error: the server at RONDO_REGISTRY is no registry, set it to/)]);
  });
});

describe('synced', () => {
  it('waits until the registry has the readiness', async () => {
    const { clock, fake, readiness, begin } = start();
    const registration = begin();
    await clock.advance(0);
    readiness.set(DRAINING);
    const synced = registration.synced(new AbortController().signal);
    expect(fake.updated).toEqual([]);
    expect(await synced).toBe(true);
    expect(fake.updated).toHaveLength(1);
  });

  it('is false at once if the registry is unavailable', async () => {
    const { clock, fake, readiness, begin } = start();
    fake.fault = unavailable();
    const registration = begin();
    await clock.advance(0);
    readiness.set(DRAINING);
    expect(await registration.synced(new AbortController().signal)).toBe(false);
  });

  it('is false when its signal aborts', async () => {
    const { fake, begin } = start();
    fake.hangs = true;
    const stop = new AbortController();
    const synced = begin().synced(stop.signal);
    stop.abort();
    expect(await synced).toBe(false);
  });
});

describe('close', () => {
  it('deregisters and leaves no timer', async () => {
    const { clock, fake, begin } = start();
    const registration = begin();
    await clock.advance(0);
    await registration.close();
    expect(fake.calls).toEqual(['register', 'deregister lease-1']);
    // An overtaken registration that arrives later has a lower sequence number and is dropped.
    expect(fake.deregistered[0]?.sequence).toBeGreaterThan(fake.registered[0]?.sequence ?? 0n);
    expect(clock.timers).toBe(0);
  });

  it('deregisters a lease whose grant it did not hear of', async () => {
    const { clock, fake, begin } = start();
    const registration = begin();
    await clock.advance(0);
    fake.known = false;
    fake.registerFault = new RpcError(Status.DEADLINE_EXCEEDED, 'no answer');
    await clock.advance(3_000);
    expect(fake.calls).toEqual(['register', 'renew lease-1', 'register']);
    fake.registerFault = undefined;
    await registration.close();
    expect(fake.calls.slice(3)).toEqual(['register', 'deregister lease-2']);
    expect(fake.registered.at(-1)?.instance?.status).toBe(INSTANCE_STATUS_DRAINING);
  });

  it('deregisters a lease that was being granted', async () => {
    const { fake, begin } = start();
    await begin().close();
    expect(fake.calls).toEqual(['register', 'deregister lease-1']);
  });

  it('never rejects', async () => {
    const { clock, fake, lines, begin } = start();
    const registration = begin();
    await clock.advance(0);
    fake.fault = unavailable();
    await registration.close();
    expect(lines.at(-1)).toMatch(/^warn: couldn't deregister/);
  });
});
