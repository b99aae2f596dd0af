import { describe, expect, it } from '@jest/globals';
import { endpoint, endpoints, resolution } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { failure } from '../../test/support/outcome.js';
import { makePool } from '../../test/support/pool.js';
import type { EndpointPool } from './endpoint-pool.js';

const safeMethod = methodOf('no_side_effects');
const names = (pool: EndpointPool) => pool.instances.all.map(({ endpoint }) => endpoint.instanceId);

describe('an endpoint pool', () => {
  it('connects a small pool before a call needs it, and a large one when it is picked', () => {
    const small = makePool();
    small.pool.onResolution(resolution('a'));
    expect(small.at('a:1').connects).toBe(1);
    const large = makePool();
    large.pool.onResolution(resolution(...Array.from({ length: 17 }, (_, index) => `i${index}`)));
    expect(large.at('i0:1').connects).toBe(0);
  });

  it('passes over one that failed until it is connected again', () => {
    const { pool, at, share } = makePool();
    pool.onResolution(resolution('a', 'b', 'c'));
    at('b:1').move('transient_failure', 'refused');
    expect(share(6)).toEqual({ a: 3, c: 3 });
    at('b:1').move('connecting');
    expect(share(6)).toEqual({ a: 3, c: 3 });
    at('b:1').move('ready');
    expect(share(6)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('has hope of one that is being connected again, and of none that failed to', async () => {
    const { pool, at, pick } = makePool();
    pool.onResolution(resolution('a', 'b'));
    at('a:1').move('transient_failure');
    at('b:1').move('transient_failure');
    expect(pick()).toBeUndefined();
    expect(pool.instances.connectable(safeMethod, { tried: [] })).toEqual([]);
    at('b:1').move('connecting');
    expect(pick()).toBeUndefined();
    expect(pool.instances.connectable(safeMethod, { tried: [] }).map(({ endpoint }) => endpoint.instanceId)).toEqual([
      'b',
    ]);
    const changed = new Promise<void>((resolve) => pool.onChange(resolve));
    at('b:1').move('ready');
    await changed;
    expect(pick()).toBe('b');
  });

  it.each(['draining', 'starting', 'cordoned'] as const)('gives no new pick to one that is %s', (state) => {
    const { pool, share } = makePool();
    const [a, b] = endpoints('a', 'b');
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    pool.onResolution({ endpoints: [a, { ...b, state }], departed: [] });
    expect(share(4)).toEqual({ a: 4 });
    pool.onResolution({ endpoints: [a, b], departed: [] });
    expect(share(4)).toEqual({ a: 2, b: 2 });
  });

  it('keeps all of them when an empty list comes', () => {
    const { pool, share } = makePool();
    pool.onResolution(resolution('a', 'b'));
    pool.onResolution(resolution());
    expect(share(4)).toEqual({ a: 2, b: 2 });
  });

  it('connects anew to an instance that moved', () => {
    const { pool, at } = makePool();
    pool.onResolution(resolution('a'));
    const before = at('a:1');
    pool.onResolution({
      endpoints: [endpoint('a', { address: 'a:2' })],
      departed: [],
    });
    expect(before.closed).toBe(true);
    expect(at('a:2').connects).toBe(1);
    expect(names(pool)).toEqual(['a']);
  });

  it('takes the last where one instance is listed twice', () => {
    const { pool, at } = makePool();
    const [first, second] = endpoints('a', 'b').map((endpoint) => ({ ...endpoint, instanceId: 'one' }));
    if (first === undefined || second === undefined) throw new Error('two endpoints were asked for');
    pool.onResolution({ endpoints: [first, second], departed: [] });
    expect(pool.instances.all.map(({ endpoint, transport }) => [endpoint.address, transport.state])).toEqual([
      ['b:1', 'ready'],
    ]);
    expect(at('b:1').connects).toBe(1);
  });

  it('wakes waiting calls when it is closed, and connects no more', async () => {
    const { pool, pick } = makePool();
    const known = pool.lookup.known;
    pool.close();
    await known;
    pool.onResolution(resolution('a'));
    expect(await failure(Promise.resolve().then(() => pick()))).toMatchObject({
      message: 'the channel is closed; make calls before close()',
    });
  });

  it('lets calls wait again where its source is back, but does not know yet', async () => {
    const { pool, pick } = makePool();
    pool.onFailure('connection refused');
    pool.onPending();
    const known = pool.lookup.known;
    expect(known).toBeDefined();
    pool.onResolution(resolution('a'));
    await known;
    expect(pick()).toBe('a');
  });

  it('has a connection tried at once where there is news of its instance, and of that alone', () => {
    const { pool, at } = makePool();
    const first = resolution('a', 'b');
    pool.onResolution(first);
    at('a:1').move('transient_failure', 'refused');
    pool.onResolution(first);
    expect(at('a:1').hurries).toBe(0);
    const [, b] = first.endpoints;
    const [again] = resolution('a').endpoints;
    if (again === undefined || b === undefined) throw new Error('no endpoints');
    pool.onResolution({ endpoints: [{ ...again, state: 'draining' }, b], departed: [] });
    expect(at('a:1').hurries).toBe(0);
    pool.onResolution({ endpoints: [again, b], departed: [] });
    expect([at('a:1').hurries, at('b:1').hurries]).toEqual([1, 0]);
  });

  it('has it tried at once for one that is listed again', () => {
    const { pool, at } = makePool();
    const { endpoints: both } = resolution('a', 'b');
    for (const listed of [both, both.slice(1), both]) pool.onResolution({ endpoints: listed, departed: [] });
    expect([at('a:1').hurries, at('b:1').hurries]).toEqual([1, 0]);
  });

  it('lets calls wait until something is known, and no longer', async () => {
    const { pool, pick } = makePool();
    const known = pool.lookup.known;
    expect(known).toBeDefined();
    pool.onResolution(resolution('a'));
    await known;
    expect(pool.lookup.known).toBeUndefined();
    pool.onFailure('gone');
    expect(pick()).toBe('a');
  });
});
