import { describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { packDetail, RpcError, Status } from '@rondo/rpc/status';
import type { ManualClock } from '@rondo/rpc/testing';
import { start, TTL_MS, unavailable } from '../../test/fake-registry.js';
import { DRAINING, readinessOf } from '../state.js';

const aborted = () => new RpcError(Status.ABORTED, 'incarnation 9 has taken over instance id "sales-1"');
/** A process of the same incarnation holds the id. */
const displaced = () =>
  new RpcError(Status.PERMISSION_DENIED, 'held by a process of the same incarnation', {
    details: [packDetail(ErrorInfo, { reason: 'INSTANCE_ID_HELD', domain: 'registry' })],
  });

describe('a registration whose instance id another process has taken', () => {
  it.each([
    ['that started later', aborted],
    ['that started in the same millisecond', displaced],
  ])('tries again after each TTL, and logs the loss and the return once each: one %s', async (_which, fault) => {
    const { clock, fake, lines, begin } = start();
    begin();
    await clock.advance(0);
    fake.fault = fault();
    await clock.advance(TTL_MS / 3);
    // At once, so that the registry can report the duplicate; then after each TTL.
    expect(fake.calls).toEqual(['register', 'renew lease-1', 'register']);
    await clock.advance(3 * TTL_MS);
    expect(fake.calls.slice(3)).toEqual(['register', 'register', 'register']);
    fake.fault = undefined;
    await clock.advance(TTL_MS);
    expect(fake.calls.slice(6)).toEqual(['register']);
    await clock.advance(TTL_MS / 3);
    expect(fake.calls.slice(7)).toEqual(['renew lease-2']);
    expect(lines).toEqual([
      'info: registered',
      expect.stringMatching(/^error: another process registered as sales-1.*again after each lease.*RONDO_INSTANCE_ID/),
      'info: registered again: the other process of sales-1 is gone',
    ]);
  });

  it('does not register sooner for any reason, so that it never takes the id from a live process', async () => {
    const { clock, fake, readiness, begin } = start();
    begin();
    await clock.advance(0);
    fake.fault = aborted();
    await clock.advance(TTL_MS / 3);
    const { length } = fake.calls;
    for (let second = 1; second < TTL_MS / 1_000; second += 1) {
      readiness.set(readinessOf(second % 2 === 1 ? ['the database'] : []));
      await clock.advance(1_000);
    }
    expect(fake.calls).toHaveLength(length);
    await clock.advance(1_000);
    expect(fake.calls).toHaveLength(length + 1);
  });

  it('is quiet while it drains: the other process is the successor of a restart', async () => {
    const { clock, fake, lines, readiness, begin } = start();
    begin();
    await clock.advance(0);
    readiness.set(DRAINING);
    await clock.advance(0);
    fake.fault = aborted();
    await clock.advance(TTL_MS / 3);
    expect(fake.calls).toEqual(['register', 'update lease-1', 'renew lease-1']);
    expect(lines).toEqual(['info: registered']);
  });

  it('counts as not registered, so that a drain does not wait', async () => {
    const { clock, fake, begin } = start();
    const registration = begin();
    await clock.advance(0);
    fake.fault = aborted();
    await clock.advance(TTL_MS / 3);
    expect(await registration.synced(new AbortController().signal)).toBe(false);
  });

  it('closes at once without deregistering, because the lease is the other process’s', async () => {
    const { clock, fake, begin } = start();
    const registration = begin();
    await clock.advance(0);
    fake.fault = aborted();
    await clock.advance(TTL_MS / 3);
    await registration.close();
    expect(fake.calls).not.toContainEqual(expect.stringMatching('deregister'));
    expect(clock.timers).toBe(0);
  });

  it('logs an outage that comes in between, and then its state', async () => {
    const { clock, fake, lines, begin } = start();
    begin();
    await clock.advance(0);
    fake.fault = aborted();
    await clock.advance(TTL_MS / 3);
    fake.fault = unavailable();
    await clock.advance(TTL_MS + 5_000);
    fake.fault = aborted();
    await clock.advance(2 * TTL_MS);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^error: another process/),
      expect.stringMatching(/^warn: the registry is away/),
      expect.stringMatching(/^error: another process/),
    ]);
  });
});

describe('a registration that is refused at first because another process has its id', () => {
  it('treats another PERMISSION_DENIED of a proxy as a refusal', async () => {
    const { clock, fake, lines, begin } = start();
    fake.fault = new RpcError(Status.PERMISSION_DENIED, 'not from here');
    begin();
    await clock.advance(10_000);
    expect(lines).toEqual(['error: the registry refuses this instance: serving on, trying again; not from here']);
  });
});

describe("a registration whose start is ahead of the registry's clock", () => {
  const ahead = (clock: ManualClock, behindMs: number) =>
    new RpcError(Status.INVALID_ARGUMENT, 'instance.incarnation: is too far ahead', {
      details: [
        packDetail(ErrorInfo, {
          reason: 'INCARNATION_AHEAD',
          domain: 'registry',
          metadata: { registry_time_ms: String(clock.now() - behindMs) },
        }),
      ],
    });

  it("takes that of its process by the registry's clock, also if the registry was away", async () => {
    const { clock, fake, begin } = start({ incarnation: BigInt(Date.UTC(2099, 0, 1)) });
    const startByRegistry = BigInt(clock.now());
    fake.fault = unavailable();
    begin();
    await clock.advance(5_000);
    fake.fault = undefined;
    fake.registerFault = ahead(clock, 0);
    fake.onRegister = () => {
      fake.registerFault = undefined;
    };
    await clock.advance(TTL_MS);
    expect(fake.registered[0]?.instance?.incarnation).toBeLessThanOrEqual(startByRegistry);
  });

  it('backs off if the registry refuses every start', async () => {
    const { clock, fake, lines, begin } = start({ incarnation: BigInt(Date.UTC(2026, 0, 1)) });
    let behindMs = 7_200_000;
    fake.registerFault = ahead(clock, behindMs);
    fake.onRegister = () => {
      if (fake.calls.length > 1_000) throw new Error('it asks in a loop');
      behindMs += 1_000;
      fake.registerFault = ahead(clock, behindMs);
    };
    begin();
    await clock.advance(10_000);
    expect(fake.calls.length).toBeLessThan(20);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^error: the registry refuses this instance/)]);
  });
});

describe('the secret of a registration', () => {
  it('is the same in each registration, and differs between processes', async () => {
    const { clock, fake, begin } = start();
    begin();
    await clock.advance(0);
    fake.known = false;
    await clock.advance(TTL_MS / 3);
    const secrets = fake.registered.map(({ secret }) => secret.toString('hex'));
    expect(secrets).toEqual(['aa'.repeat(32), 'aa'.repeat(32)]);
    const other = start({ hex: 'b' });
    other.begin();
    await other.clock.advance(0);
    expect(other.fake.registered[0]?.secret.toString('hex')).toBe('bb'.repeat(32));
  });

  it('does not appear in the log, nor does the lease', async () => {
    const { clock, fake, fields, begin } = start();
    const registration = begin();
    await clock.advance(0);
    fake.fault = unavailable();
    await clock.advance(TTL_MS);
    fake.fault = displaced();
    await clock.advance(TTL_MS);
    await registration.close();
    expect(fields.length).toBeGreaterThan(2);
    for (const line of fields.map((each) => JSON.stringify(each))) {
      expect(line).not.toMatch(/aaaa|lease-1|secret/);
    }
  });
});
