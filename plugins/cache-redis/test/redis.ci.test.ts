/** The second level of a cache, over a real Redis. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import type { SharedStore } from '@rondo/cache';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { sleep, systemClock, systemRandom } from '@rondo/rpc/clock';
import { cached, countingHandlers, type FixtureOptions, gate } from '../../../packages/cache/test/fixture.js';
import { createRedisStore } from '../src/exports/store.js';
import { noRedis, type RedisServer, startRedis } from './redis-server.js';

if (noRedis !== undefined) process.stdout.write(`SKIPPED: the second level of a cache, as ${noRedis}\n`);

let redis: RedisServer;
let raw: ReturnType<typeof createClient>;
const channels: Channel[] = [];
const stores: SharedStore[] = [];

/** A process with a cache whose second level is the Redis. */
interface ReplicaOptions extends FixtureOptions {
  readonly fingerprint?: string;
  readonly caller?: string;
  readonly log?: Logger;
  /** Long by default, because the machine of a test may be busy. */
  readonly timeoutMs?: number;
}

function replica(options: ReplicaOptions = {}) {
  const { fingerprint = 'v1', caller = 'shop', log = silentLogger, timeoutMs = 300_000, ...rest } = options;
  const store = createRedisStore({ url: redis.url, clock: systemClock, random: systemRandom, log, timeoutMs });
  stores.push(store);
  const made = cached({ ...rest, shared: { store, caller, fingerprintOf: () => fingerprint || undefined } });
  channels.push(made.channel);
  return { ...made, store };
}

let probes = 0;

/** Waits until the stores are connected: until then they have nothing, not even a lease. */
async function connected(...replicas: readonly { readonly store: SharedStore }[]): Promise<void> {
  for (const { store } of replicas) {
    await until(async () => {
      probes += 1;
      return (await store.take(`probe ${probes}`)).kind === 'lease';
    });
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(systemClock, 5);
}

/** Waits until Redis has as many answers. */
async function stored(count: number): Promise<readonly string[]> {
  await until(async () => {
    const values = await Promise.all((await raw.keys('rondo:cache:*')).map((key) => raw.get(key)));
    return values.filter((value) => value !== null && !value.startsWith('lease ')).length === count;
  });
  return raw.keys('rondo:cache:*');
}

const textOf = ({ content }: { readonly content: Uint8Array }) => Buffer.from(content).toString();

(noRedis === undefined ? describe : describe.skip)('over a real Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
    raw = createClient({ url: redis.url });
    raw.on('error', () => undefined);
    await raw.connect();
  });

  beforeEach(() => raw.flushAll());

  afterEach(() => {
    for (const channel of channels.splice(0)) channel.close();
    for (const store of stores.splice(0)) store.close();
  });

  afterAll(async () => {
    raw.destroy();
    await redis.close();
  });

  it('two replicas share one answer, one after the other and at the same time', async () => {
    const { counts, handlers } = countingHandlers();
    const [a, b] = [replica({ handlers }), replica({ handlers })];
    await connected(a, b);
    expect(textOf(await a.client.getEntry({ name: 'x' }))).toBe('content 1');
    await stored(1);
    for (let time = 0; time < 2; time += 1) {
      const { content } = await b.client.getEntry({ name: 'x' });
      expect(Buffer.from(content).toString()).toBe('content 1');
      content.fill(0);
    }
    expect(counts.get).toBe(1);
    // A busy machine may miss the wait for the other replica's answer now and then.
    let tries = 0;
    await until(async () => {
      tries += 1;
      const before = counts.get;
      await Promise.all([a, b, a, b].map(({ client }) => client.getEntry({ name: `y${tries}` })));
      return counts.get === before + 1;
    });
  });

  it('an answer is no older than its time in any replica, even if Redis has it longer', async () => {
    const { counts, handlers } = countingHandlers();
    const [a, b] = [replica({ handlers }), replica({ handlers })];
    await connected(a, b);
    await a.client.describeEntry({ name: 'x' });
    const [key = ''] = await stored(1);
    await raw.persist(key);
    await b.clock.advance(6_000);
    await b.client.describeEntry({ name: 'x' });
    expect(counts.describe).toBe(1);
    await b.clock.advance(4_000);
    await b.client.describeEntry({ name: 'x' });
    expect(counts.describe).toBe(2);
  });

  it('another contract, another calling service and an unknown contract share nothing', async () => {
    const { counts, handlers } = countingHandlers();
    const all = [
      replica({ handlers }),
      replica({ handlers, fingerprint: 'v2' }),
      replica({ handlers, caller: 'blog' }),
      replica({ handlers, fingerprint: '' }),
    ];
    await connected(...all);
    for (const { client } of all) await client.getEntry({ name: 'x' });
    expect(counts.get).toBe(4);
    expect(await stored(3)).toHaveLength(3);
  });

  const poisons: Readonly<Record<string, (key: string, value: Buffer) => Promise<unknown>>> = {
    'random bytes': (key) => raw.set(key, 'garbage'),
    'a flipped bit': (key, value) => {
      value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
      return raw.set(key, value);
    },
    'a part of the value': (key, value) => raw.set(key, value.subarray(0, 20)),
    'a value that is too large': (key) => raw.set(key, Buffer.alloc(8 * 1024 * 1024)),
    'a list': async (key) => {
      await raw.del(key);
      await raw.lPush(key, 'x');
    },
  };

  it.each(Object.entries(poisons))('%s is no answer, and is replaced', async (_, poison) => {
    const { counts, handlers } = countingHandlers();
    const [a, b, c, d] = Array.from({ length: 4 }, () => replica({ handlers }));
    if (!a || !b || !c || !d) throw new Error('four replicas');
    await connected(a, b, c, d);
    await a.client.getEntry({ name: 'x' });
    const [key = ''] = await stored(1);
    await poison(key, await binary(key));
    expect(textOf(await b.client.getEntry({ name: 'x' }))).toBe('content 2');
    await c.client.getEntry({ name: 'x' });
    await stored(1);
    const before = counts.get;
    await d.client.getEntry({ name: 'x' });
    expect(counts.get).toBe(before);
  });

  it('a value under the key of another request is no answer', async () => {
    const { handlers } = countingHandlers();
    const [a, b] = [replica({ handlers }), replica({ handlers })];
    await connected(a, b);
    await a.client.getEntry({ name: 'x' });
    const [x = ''] = await stored(1);
    await a.client.getEntry({ name: 'y' });
    const y = (await stored(2)).find((key) => key !== x) ?? '';
    await raw.set(y, await binary(x));
    expect((await b.client.getEntry({ name: 'y' })).name).toBe('y');
  });

  it('an answer that was removed while it was on its way is not stored', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async () => {
      calls += 1;
      const name = String(calls);
      if (calls === 1) await slow.opened;
      return { name };
    };
    const [a, b, c] = [
      replica({ handlers: { getEntry } }),
      replica({ handlers: { getEntry } }),
      replica({ handlers: { getEntry } }),
    ];
    await connected(a, b, c);
    const late = a.client.getEntry({});
    await until(() => calls === 1);
    b.cache.invalidate(b.client.getEntry, {});
    expect((await b.client.getEntry({})).name).toBe('2');
    await stored(1);
    slow.open();
    expect((await late).name).toBe('1');
    expect((await c.client.getEntry({})).name).toBe('2');
  });

  it.each(['killed', 'frozen'] as const)(
    'calls go on while Redis is %s, and use it again after that',
    async (fault) => {
      const { counts, handlers } = countingHandlers();
      const lines: string[] = [];
      const note = (_: object, line: string) => void lines.push(line);
      const log = { ...silentLogger, info: note, warn: note };
      const [a, b] = [replica({ handlers, log, timeoutMs: 50 }), replica({ handlers, timeoutMs: 50 })];
      await connected(a, b);
      let failed = 0;
      let made = 0;
      let stopped = false;
      const load = Promise.all(
        [a, b, a, b].map(async ({ client }, index) => {
          for (; !stopped; made += 1) {
            await client.getEntry({ name: `load ${index} ${made % 500}` }).catch(() => {
              failed += 1;
            });
            await sleep(systemClock, 1);
          }
        }),
      );
      const some = async () => {
        const goal = made + 200;
        await until(() => made >= goal);
      };
      await some();
      if (fault === 'killed') await redis.kill();
      else redis.freeze();
      await some();
      await until(() => lines.some((line) => line.includes('is away')));
      if (fault === 'killed') await redis.restart();
      else redis.thaw();
      await until(() => lines.some((line) => line.includes('is back')));
      await some();
      stopped = true;
      await load;
      expect(failed).toBe(0);
      await connected(a, b);
      // A busy machine may miss the 50 ms now and then.
      let tries = 0;
      await until(async () => {
        tries += 1;
        const before = counts.get;
        await a.client.getEntry({ name: `after ${tries}` });
        await sleep(systemClock, 20);
        await b.client.getEntry({ name: `after ${tries}` });
        return counts.get === before + 1;
      });
    },
  );

  it('a Redis that becomes a replica counts as away, and is asked for by new connections until it takes writes', async () => {
    const lines: string[] = [];
    const note = (_: object, line: string) => void lines.push(line);
    const { store } = replica({ log: { ...silentLogger, info: note, warn: note } });
    const connectionId = async () =>
      /id=(\d+) .*name=rondo-cache/.exec(String(await raw.sendCommand(['CLIENT', 'LIST'])))?.[1];
    await connected({ store });
    const first = await connectionId();
    await raw.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    expect(await store.remove('x')).toBe(false);
    expect(lines.filter((line) => line.includes('is away'))).toHaveLength(1);
    expect(await store.take('x')).toEqual({ kind: 'none' });
    await until(async () => ![undefined, first].includes(await connectionId()));
    await raw.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    await until(() => lines.some((line) => line.includes('is back')));
    await connected({ store });
    expect(lines).toHaveLength(2);
  });

  /** The bytes of a value. */
  async function binary(key: string): Promise<Buffer> {
    const value = await raw.withTypeMapping({ 36: Buffer }).get(key);
    if (!Buffer.isBuffer(value)) throw new Error('no value');
    return value;
  }
});

(noRedis === undefined ? it : it.skip)(
  'a Redis that never answers is as none, and the process ends without it',
  async () => {
    const store = createRedisStore({
      url: 'redis://127.0.0.1:1',
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
    const { client, channel, counts } = cached({ shared: { store, caller: 'shop', fingerprintOf: () => 'v1' } });
    await client.getEntry({ name: 'x' });
    await client.getEntry({ name: 'x' });
    expect(counts.get).toBe(1);
    channel.close();
    store.close();
  },
);
