import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  InstanceStatus,
  ListOperatorStatesResponse,
  OperatorState,
  RemovalReason,
  Security,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { Status } from '@rondo/rpc/status';
import { stopParts } from '@rondo/rpc/testing';
import { WATCH_REST_MS } from '../src/domain/limits.js';
import { refusal, SALES, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

/** The next message of a watch. */
async function next(watch: AsyncIterator<WatchResponse>): Promise<WatchResponse> {
  const step = await watch.next();
  if (step.done === true) throw new Error('the watch has ended');
  return step.value;
}

describe('a registered instance', () => {
  it('is listed as it described itself, with the fields that the registry adds', async () => {
    const { registry, clock } = start();
    const described = sales({
      zone: 'eu/a',
      version: '1.2.3',
      metadata: { team: 'blue' },
      fingerprints: { [SALES]: '3f' },
    });
    const { leaseId, ttl, position } = await registry.register({ instance: described });
    expect(leaseId).toMatch(/^1-[0-9a-f]{32}$/);
    expect(ttl).toEqual({ seconds: 10n, nanos: 0 });
    expect(position).toEqual({ epoch: expect.any(BigInt), revision: 1n });
    const { instances, nextPageToken, warming } = await registry.listInstances({ service: SALES });
    const operatorState = OperatorState.OPERATOR_STATE_NONE;
    const registered = { weight: 100, registerTime: new Date(clock.now()), revision: 1n, operatorState };
    expect(instances).toEqual([expect.objectContaining({ ...described, ...registered })]);
    expect([nextPageToken, warming]).toEqual(['', false]);
    expect((await registry.listServices({})).services).toEqual([{ service: SALES, instances: 1, serving: 1 }]);
  });

  it('renews, changes and leaves under its lease', async () => {
    const { registry } = start();
    const { leaseId } = await registry.register({ instance: sales(), ttl: { seconds: 4n, nanos: 500_000_000 } });
    const lease = { leaseId, instanceId: 'sales-1' };
    expect(await registry.renew(lease)).toMatchObject({
      ttl: { seconds: 4n, nanos: 500_000_000 },
      position: { revision: 1n },
    });
    const draining = { status: InstanceStatus.INSTANCE_STATUS_DRAINING, weight: 7, updateMask: ['status'] };
    const { instance } = await registry.update({ ...lease, ...draining });
    expect(instance).toMatchObject({ status: draining.status, weight: 100, revision: 2n });
    expect(await registry.deregister(lease)).toMatchObject({ position: { revision: 3n } });
    expect(await registry.deregister(lease)).toMatchObject({ position: { revision: 3n } });
    const gone = await refusal(registry.renew(lease));
    expect([gone.codeName, gone.message]).toEqual([
      'NOT_FOUND',
      'no such lease for instance "sales-1": register again',
    ]);
  });

  it('gets ABORTED when a later incarnation takes over', async () => {
    const { registry } = start();
    const { leaseId } = await registry.register({ instance: sales() });
    await registry.register({ instance: sales({ incarnation: 2n }) });
    const lease = { leaseId, instanceId: 'sales-1' };
    for (const error of await Promise.all(
      [
        registry.renew(lease),
        registry.update({ ...lease, weight: 1, updateMask: ['weight'] }),
        registry.register({ instance: sales() }),
      ].map(refusal),
    )) {
      expect(error.code).toBe(Status.ABORTED);
      expect(error.message).toBe(
        'another process, incarnation 2, has taken over instance id "sales-1": give this process its own RONDO_INSTANCE_ID',
      );
    }
  });

  it('keeps protocols that this registry does not know', async () => {
    const { registry } = start();
    const endpoints = [
      { address: '[::1]:50053', protocols: [1, 77], security: Security.SECURITY_TLS, minPingInterval: undefined },
    ];
    await registry.register({ instance: sales({ endpoints }) });
    expect((await registry.listInstances({})).instances[0]?.endpoints).toEqual(endpoints);
  });
});

describe('an operator', () => {
  it('cordons an instance, sees why, and takes it back', async () => {
    const { registry, clock } = start();
    await registry.register({ instance: sales() });
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    const change = { instanceId: 'sales-1', state, reason: 'a bad disk' };
    expect(await registry.setOperatorState(change)).toMatchObject({ position: { revision: 2n } });
    expect((await registry.listInstances({})).instances).toMatchObject([
      { operatorState: state, status: InstanceStatus.INSTANCE_STATUS_SERVING },
    ]);
    expect((await registry.listServices({})).services).toEqual([{ service: SALES, instances: 1, serving: 0 }]);
    expect((await registry.listOperatorStates({})).marks).toEqual([{ ...change, setTime: new Date(clock.now()) }]);
    await registry.setOperatorState({ ...change, state: OperatorState.OPERATOR_STATE_NONE });
    expect((await registry.listOperatorStates({})).marks).toEqual([]);
  });

  it('gets NOT_FOUND for an unknown id', async () => {
    const { registry } = start();
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    const error = await refusal(registry.setOperatorState({ instanceId: 'sale-1', state }));
    expect([error.codeName, error.message]).toEqual([
      'NOT_FOUND',
      'no instance "sale-1" is registered: list the registered ones with ListInstances',
    ]);
  });

  it('cordons no more instances than the limit', async () => {
    const { registry } = start({ cordoned: 1 });
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    for (const instanceId of ['a', 'b']) await registry.register({ instance: sales({ instanceId }) });
    await registry.setOperatorState({ instanceId: 'a', state });
    const error = await refusal(registry.setOperatorState({ instanceId: 'b', state }));
    expect([error.codeName, error.message]).toEqual([
      'RESOURCE_EXHAUSTED',
      'the registry holds 1 cordoned, as many as it may: uncordon some, or raise cordoned in RONDO_REGISTRY_STORE',
    ]);
  });

  it('gets all operator states in one message, even with the maximum number and length', async () => {
    const { registry } = start();
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    for (let index = 0; index < 40; index += 1) {
      const instanceId = String(index).padStart(128, 'x');
      await registry.register({ instance: sales({ instanceId }) });
      await registry.setOperatorState({ instanceId, state, reason: '\u20ac'.repeat(256) });
    }
    const reply = await registry.listOperatorStates({});
    expect(reply.marks).toHaveLength(40);
    // `cordoned` is at most 4,000.
    expect((ListOperatorStatesResponse.encode(reply).finish().length / 40) * 4000).toBeLessThan(4 * 2 ** 20);
  });
});

it('gives times by its wall clock, also after that was set, and measures leases by the monotonic clock', async () => {
  const { registry, clock } = start();
  await registry.register({ instance: sales({ instanceId: 'before' }) });
  const registered = clock.wall.now();
  // The machine slept for a night, or an operator set its clock.
  clock.wall.set(new Date('2028-02-29T08:00:00Z'));
  await registry.register({ instance: sales({ instanceId: 'after' }) });
  await registry.setOperatorState({ instanceId: 'after', state: OperatorState.OPERATOR_STATE_CORDONED });
  const { instances } = await registry.listInstances({});
  expect(instances.map(({ registerTime }) => registerTime)).toEqual([clock.wall.now(), registered]);
  expect((await registry.listOperatorStates({})).marks).toMatchObject([{ setTime: clock.wall.now() }]);
  expect((await registry.listServices({})).time).toEqual(clock.wall.now());
  await clock.advance(9_999);
  expect((await registry.listInstances({})).instances).toHaveLength(2);
});

describe('leases that all run out at once', () => {
  it('are held back: lists show since when, and a gauge how many', async () => {
    const { registry, clock, measured } = start();
    for (const instanceId of ['a', 'b', 'c', 'd']) await registry.register({ instance: sales({ instanceId }) });
    const names = ['instances', 'watches', 'held_expiries', 'revisions'];
    const read = () => names.map((name) => measured()[`rondo.registry.${name}`]);
    expect(read()).toEqual([4, 0, 0, 4]);
    expect((await registry.listInstances({})).instances[0]?.lapseTime).toBeUndefined();
    await clock.advance(10_000);
    const lapseTime = new Date('2028-02-29T08:00:00Z');
    clock.wall.set(lapseTime);
    await clock.advance(5_000);
    expect((await registry.listInstances({ service: SALES })).instances).toMatchObject(
      ['a', 'b', 'c', 'd'].map((instanceId) => ({ instanceId, lapseTime })),
    );
    expect(read()).toEqual([4, 0, 4, 4]);
    const watch = registry.watch({})[Symbol.asyncIterator]();
    expect(read()).toEqual([4, 0, 4, 4]);
    const { event } = await next(watch);
    expect(event).toMatchObject({ value: { instances: Array(4).fill({ lapseTime: undefined }) } });
    expect(read()).toEqual([4, 1, 4, 4]);
    await clock.advance(25_000);
    expect(read()).toEqual([0, 1, 0, 8]);
  });
});

describe('a watch', () => {
  it('follows a service from a snapshot through deltas to progress marks', async () => {
    const { registry, clock } = start();
    const { leaseId } = await registry.register({ instance: sales() });
    const stop = new AbortController();
    const watch = registry.watch({ service: SALES }, { signal: stop.signal })[Symbol.asyncIterator]();
    const snapshot = await next(watch);
    expect(snapshot).toMatchObject({
      position: { revision: 1n },
      warming: false,
      event: { $case: 'snapshot', value: { instances: [{ instanceId: 'sales-1' }], more: false } },
    });
    await registry.register({ instance: sales({ instanceId: 'sales-2' }) });
    await registry.deregister({ leaseId, instanceId: 'sales-1' });
    const removals = [{ instanceId: 'sales-1', reason: RemovalReason.REMOVAL_REASON_DEREGISTERED }];
    const delta = next(watch);
    await clock.advance(WATCH_REST_MS);
    expect(await delta).toMatchObject({
      position: { revision: 3n },
      event: { $case: 'delta', value: { upserts: [{ instanceId: 'sales-2' }], removals } },
    });
    const waiting = next(watch);
    await clock.advance(5000);
    expect(await waiting).toMatchObject({ event: { $case: 'progress' }, position: { revision: 3n } });
    stop.abort();
    await expect(watch.next()).rejects.toMatchObject({ code: Status.CANCELLED });
  });

  it('ends UNAVAILABLE when the registry stops', async () => {
    const { registry, clock, app } = start();
    const watch = registry.watch({})[Symbol.asyncIterator]();
    await next(watch);
    const waiting = refusal(next(watch));
    await clock.advance(0);
    await stopParts(app);
    expect((await waiting).codeName).toBe('UNAVAILABLE');
  });
});

describe('lists', () => {
  it('of services name the system', async () => {
    const { registry } = start({ system: '/srv/shop' });
    expect((await registry.listServices({})).system).toBe('/srv/shop');
  });

  it('state that the registry is warming', async () => {
    const { registry, clock } = start({ warmingMs: 10_000 });
    expect(await registry.listServices({})).toMatchObject({ warming: true });
    await clock.advance(10_000);
    expect(await registry.listInstances({})).toMatchObject({ warming: false });
  });
});

describe('above its limits', () => {
  it('the registry names the limit and what to do', async () => {
    const { registry } = start({ instances: 1 });
    await registry.register({ instance: sales() });
    const error = await refusal(registry.register({ instance: sales({ instanceId: 'sales-2' }) }));
    expect([error.codeName, error.message]).toEqual([
      'RESOURCE_EXHAUSTED',
      'the registry holds 1 instances, as many as it may: wait for leases to run out, or raise instances in RONDO_REGISTRY_STORE',
    ]);
  });
});

it('main.ts sets a V8 flag that this Node knows', () => {
  const main = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8');
  const flag = /setFlagsFromString\('(?<flag>.+)'\)/.exec(main)?.groups?.['flag'] ?? '';
  expect(flag).toMatch(/^--heap-/);
  const { status, stderr } = spawnSync(process.execPath, [flag, '--eval', ''], { encoding: 'utf8' });
  expect({ status, stderr }).toMatchObject({ status: 0 });
});
