import { afterEach, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { WatchClient } from '../../../test/store/fixture.js';
import { DEFAULT_TOTAL_LIMITS } from '../../domain/limits.js';
import type { Etcd, KeyValue } from './etcd-client.js';
import { EtcdStore } from './etcd-store.js';
import { keysUnder } from './keys.js';
import { encode } from './record.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A store over an etcd that has no instances, and that the registry can be cut off from. */
async function start() {
  const clock = new ManualClock();
  const keys = keysUnder('/test');
  const pair = (key: Buffer, value: Buffer): KeyValue => ({ key, value, createRevision: 1n, modRevision: 1n });
  const epoch = encode({ epoch: 7n, startTimeMs: clock.now(), clusterId: 5n });
  const state = { cutOff: false };
  const answer = <T>(value: T): Promise<T> =>
    state.cutOff ? Promise.reject(new RpcError(Status.UNAVAILABLE, 'no route to host')) : Promise.resolve(value);
  const etcd: Etcd = {
    name: 'etcd:2379',
    read: ({ key }) =>
      answer({
        revision: 1n,
        clusterId: 5n,
        more: false,
        pairs: [...(key.equals(keys.head) ? [] : [pair(keys.epoch, epoch)]), pair(keys.head, Buffer.alloc(0))],
      }),
    commit: () => answer({ succeeded: true, revision: 1n, reads: [] }),
    grant: () => answer(undefined),
    keepAlive: () => answer(true),
    async *watch(_range, _from, signal) {
      yield await answer({ kind: 'created' } as const);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    close: () => undefined,
  };
  const options = { clock, wallClock: clock.wall, random: seededRandom(1), log: silentLogger, warmingMs: 0 };
  const store = new EtcdStore({ ...options, etcd, prefix: '/test', limits: DEFAULT_TOTAL_LIMITS });
  closers.push(() => store.close());
  await store.ready();
  return { store, clock, state };
}

it('ends watches once when the registry has been cut off from etcd for a while, as others may not be', async () => {
  const { store, clock, state } = await start();
  const before = new WatchClient(store);
  expect(await before.next()).toMatchObject({ kind: 'snapshot' });
  state.cutOff = true;
  let fault: unknown;
  const read = async () => {
    while ((await before.next()) !== undefined);
  };
  read().catch((error: unknown) => {
    fault = error;
  });
  await clock.advance(30_000);
  expect(fault).toMatchObject({ message: "the store at etcd:2379 can't be reached: no route to host" });
  const after = new WatchClient(store);
  expect(await after.next()).toMatchObject({ kind: 'snapshot' });
  for (let count = 0; count < 12; count += 1) {
    const next = after.next();
    await clock.advance(5_000);
    expect(await next).toMatchObject({ kind: 'progress' });
  }
});

it('ends no watch for a short outage', async () => {
  const { store, clock, state } = await start();
  const watch = new WatchClient(store);
  await watch.next();
  state.cutOff = true;
  const next = watch.next();
  await clock.advance(5_000);
  expect(await next).toMatchObject({ kind: 'progress' });
  state.cutOff = false;
  const later = watch.next();
  await clock.advance(30_000);
  expect(await later).toMatchObject({ kind: 'progress' });
});
