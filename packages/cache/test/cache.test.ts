import { afterEach, describe, expect, it } from '@jest/globals';
import { CachedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/cached';
import { callPrincipal, type Metadata, type ServerCall } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { cached as connect, type FixtureOptions, gate } from './fixture.js';

const channels: Channel[] = [];

function cached(options: FixtureOptions = {}) {
  const made = connect(options);
  channels.push(made.channel);
  return made;
}

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

const textOf = ({ content }: { readonly content: Uint8Array }) => Buffer.from(content).toString();

describe('a kept answer', () => {
  it('is given until its time is over, and belongs to one request', async () => {
    const { client, clock, counts } = cached();
    expect(textOf(await client.getEntry({ name: 'a' }))).toBe('content 1');
    await clock.advance(9_999);
    expect(textOf(await client.getEntry({ name: 'a' }))).toBe('content 1');
    expect(textOf(await client.getEntry({ name: 'b' }))).toBe('content 2');
    expect(textOf(await client.getEntry({}))).toBe('content 3');
    expect(counts.get).toBe(3);
    expect(await client.describeEntry({ name: 'a' })).toEqual({ text: 'a undefined 1' });
    await clock.advance(9_999);
    expect(await client.describeEntry({ name: 'a' })).toEqual({ text: 'a undefined 1' });
    await clock.advance(1);
    expect(await client.describeEntry({ name: 'a' })).toEqual({ text: 'a undefined 2' });
  });

  it('says where it comes from, in the header', async () => {
    const { client, clock } = cached();
    const ask = async () => {
      let header: Metadata | undefined;
      await client.getEntry({ name: 'a' }, { onHeader: (received) => (header = received) });
      return header?.get('cache-status');
    };
    expect([await ask(), await ask()]).toEqual([undefined, 'rondo; hit']);
    await clock.advance(10_000);
    expect(await ask()).toBe('rondo; hit; detail=stale');
  });

  it('is aged from the start of the call that got it', async () => {
    const slow = gate();
    let calls = 0;
    const describeEntry = async () => {
      calls += 1;
      if (calls === 1) await slow.opened;
      return { text: String(calls) };
    };
    const { client, clock } = cached({ handlers: { describeEntry } });
    const first = client.describeEntry({}, { timeoutMs: 60_000 });
    await clock.advance(9_000);
    slow.open();
    await first;
    await clock.advance(999);
    expect(await client.describeEntry({})).toEqual({ text: '1' });
    await clock.advance(1);
    expect(await client.describeEntry({})).toEqual({ text: '2' });
  });

  it('is a message of its own for each caller', async () => {
    const { client } = cached();
    for (let time = 0; time < 3; time += 1) {
      const entry = await client.getEntry({ name: 'a' });
      expect([textOf(entry), entry.part?.text]).toEqual(['content 1', 'part 1']);
      entry.content.fill(0);
      entry.name = 'changed';
      if (entry.part) entry.part.text = 'changed';
    }
  });

  it.each(['__proto__', 'constructor', 'x'.repeat(100_000), `${'x'.repeat(99_999)}y`, '\n', 'ü'])(
    'is found for any request',
    async (name) => {
      const { client, counts } = cached();
      for (const one of [name, `${name}1`, name, `${name}1`]) {
        expect((await client.getEntry({ name: one })).name).toBe(one);
      }
      expect(counts.get).toBe(2);
    },
  );

  it('stays within the bound of bytes: the least recently used ones go, and one that is too large is not kept', async () => {
    const { client, counts, cache } = cached({ maxBytes: 10_000 });
    for (let index = 0; index < 100; index += 1) await client.getEntry({ name: `entry ${index}` });
    await client.getEntry({ name: 'entry 99' });
    expect(counts.get).toBe(100);
    await client.getEntry({ name: 'entry 0' });
    expect(counts.get).toBe(101);
    const large = 'x'.repeat(2_000);
    await client.getEntry({ name: large });
    await client.getEntry({ name: large });
    expect(counts.get).toBe(103);
    cache.close();
    await client.getEntry({ name: 'entry 99' });
    expect(counts.get).toBe(104);
  });
});

it('keeps no answers of a service while that is off', async () => {
  let on = true;
  const { client, counts } = cached({ keeps: () => on });
  await client.getEntry({ name: 'a' });
  on = false;
  for (let time = 0; time < 3; time += 1) await client.getEntry({ name: 'a' });
  expect(counts.get).toBe(4);
  on = true;
  for (let time = 0; time < 2; time += 1) await client.getEntry({ name: 'a' });
  expect(counts.get).toBe(5);
});

describe('a stale answer', () => {
  it('is given while one call in the background gets a new one', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async () => {
      calls += 1;
      if (calls === 2) await slow.opened;
      return { name: String(calls) };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    await client.getEntry({});
    await clock.advance(10_000);
    const given = await Promise.all([client.getEntry({}), client.getEntry({}), client.getEntry({})]);
    expect(given.map(({ name }) => name)).toEqual(['1', '1', '1']);
    await clock.advance(100);
    expect(calls).toBe(2);
    slow.open();
    await clock.advance(1);
    expect((await client.getEntry({})).name).toBe('2');
    expect(calls).toBe(2);
  });

  it('is given until its time is over too, if no new one can be got', async () => {
    let calls = 0;
    const getEntry = () => {
      calls += 1;
      if (calls > 1) throw new RpcError(Status.INTERNAL, `failure ${calls}`);
      return { name: '1' };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    await client.getEntry({});
    await clock.advance(14_999);
    expect((await client.getEntry({})).name).toBe('1');
    await clock.advance(1);
    expect(await failureOf(client.getEntry({}))).toMatchObject({ code: Status.INTERNAL });
  });

  it('gets a deadline of its own for the call in the background', async () => {
    let calls = 0;
    const getEntry = async () => {
      calls += 1;
      if (calls === 2) await new Promise(() => undefined);
      return { name: String(calls) };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    await client.getEntry({});
    await clock.advance(10_000);
    await client.getEntry({}, { timeoutMs: 5 });
    // The first call in the background hangs, until its own deadline.
    await clock.advance(10_000);
    expect((await client.getEntry({})).name).toBe('3');
    expect(clock.timers).toBe(0);
  });
});

describe('the identity of a caller', () => {
  it.each(['authorization', 'cookie', 'x-api-key', 'x-tenant'])(
    'keeps an answer apart: with %s in the metadata, nothing is kept or shared',
    async (key) => {
      const { client, counts } = cached();
      await client.getEntry({ name: 'a' });
      await client.getEntry({ name: 'a' }, { metadata: { [key]: 'anna' } });
      await client.getEntry({ name: 'a' }, { metadata: { [key]: 'anna' } });
      expect(counts.get).toBe(3);
      expect(textOf(await client.getEntry({ name: 'a' }))).toBe('content 1');
    },
  );

  it('is seen also if the middleware of a client adds it', async () => {
    const { channel, counts } = cached();
    const clientOf = (user: string) =>
      createClient(CachedServiceDefinition, {
        channel,
        middleware: [
          (call, next) => {
            call.metadata.set('authorization', user);
            return next(call);
          },
        ],
      });
    const [anna, bert] = [clientOf('anna'), clientOf('bert')];
    expect(textOf(await anna.getEntry({ name: 'a' }))).toBe('content 1');
    expect(textOf(await bert.getEntry({ name: 'a' }))).toBe('content 2');
    expect(counts.get).toBe(2);
  });

  it('is part of the key if the contract lists it, however the values are split', async () => {
    const { client, counts } = cached();
    const ask = (...languages: string[]) =>
      client.describeEntry({ name: 'a' }, { metadata: languages.map((one) => ['accept-language', one] as const) });
    expect(await ask('de')).toEqual({ text: 'a de 1' });
    expect(await ask('en')).toEqual({ text: 'a en 2' });
    expect(await ask()).toEqual({ text: 'a undefined 3' });
    await ask('de', 'en');
    await ask('de","en');
    expect(counts.describe).toBe(5);
    expect(await ask('de')).toEqual({ text: 'a de 1' });
    await client.describeEntry({ name: 'a' }, { metadata: { 'accept-language': 'de', authorization: 'anna' } });
    expect(counts.describe).toBe(6);
  });
});

describe('an answer ends', () => {
  it('with a write to its service, also if the write fails, and with a read that began before it', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async ({ name }: { name: string }) => {
      calls += 1;
      const version = calls;
      if (name === 'slow') await slow.opened;
      return { name: `${name} ${version}` };
    };
    const putEntry = () => {
      throw new RpcError(Status.ABORTED, 'no');
    };
    const { client, clock } = cached({ handlers: { getEntry, putEntry } });
    await client.getEntry({ name: 'a' });
    const before = client.getEntry({ name: 'slow' });
    await clock.advance(1);
    await failureOf(client.putEntry({ name: 'a' }));
    expect((await client.getEntry({ name: 'a' })).name).toBe('a 3');
    slow.open();
    expect((await before).name).toBe('slow 2');
    expect((await client.getEntry({ name: 'slow' })).name).toBe('slow 4');
  });

  it('by its key, in all variants, or with all of its method', async () => {
    const { client, cache, counts } = cached();
    const ask = async (name: string) => {
      await client.describeEntry({ name });
      await client.describeEntry({ name }, { metadata: { 'accept-language': 'de' } });
    };
    await ask('a');
    await ask('b');
    cache.invalidate(client.describeEntry, { name: 'a' });
    await ask('b');
    expect(counts.describe).toBe(4);
    await ask('a');
    expect(counts.describe).toBe(6);
    cache.invalidate(client.describeEntry);
    await ask('b');
    expect(counts.describe).toBe(8);
    expect(() => cache.invalidate(async () => undefined)).toThrow(TypeError);
  });

  it('by its key, also if it is on its way', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async () => {
      calls += 1;
      const name = String(calls);
      if (calls === 1) await slow.opened;
      return { name };
    };
    const { client, cache, clock } = cached({ handlers: { getEntry } });
    const before = client.getEntry({});
    await clock.advance(1);
    cache.invalidate(client.getEntry, {});
    expect((await client.getEntry({})).name).toBe('2');
    slow.open();
    expect((await before).name).toBe('1');
    expect((await client.getEntry({})).name).toBe('2');
  });
});

describe('a call is made', () => {
  it('if its caller refuses kept answers, and then its answer is kept', async () => {
    const { client } = cached();
    await client.getEntry({ name: 'a' });
    const fresh = await client.getEntry({ name: 'a' }, { metadata: { 'cache-control': 'no-cache' } });
    expect(textOf(fresh)).toBe('content 2');
    expect(textOf(await client.getEntry({ name: 'a' }))).toBe('content 2');
  });

  it('if its caller names an instance, or asks for the time of the call', async () => {
    const { client, counts, channel } = cached();
    await client.getEntry({ name: 'a' });
    const [view] = channel.inspect();
    const instance = view?.endpoints[0]?.instanceId;
    await client.getEntry({ name: 'a' }, { instance });
    await client.getEntry({ name: 'a' }, { onTiming: () => undefined });
    expect(counts.get).toBe(3);
  });

  it('if its request can not be encoded: it says what is wrong', async () => {
    const { client } = cached();
    const request = {
      get name(): string {
        throw new Error('no name');
      },
    };
    const error = await failureOf(client.getEntry(request));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT });
    expect(error.message).toContain("the request can't be encoded");
  });
});

it('gets answers ahead, a few at a time, and no more than may wait', async () => {
  let most = 0;
  let running = 0;
  const asked = new Set<string>();
  const slow = gate();
  const getEntry = async ({ name }: { name: string }) => {
    asked.add(name);
    running += 1;
    most = Math.max(most, running);
    await slow.opened;
    running -= 1;
    return { name };
  };
  const { client, cache, clock } = cached({ handlers: { getEntry } });
  const requests = Array.from({ length: 1_000 }, (_, index) => ({ name: `entry ${index}` }));
  cache.prefetch(client.getEntry, requests);
  await clock.advance(1);
  expect(asked.size).toBe(4);
  slow.open();
  for (let turn = 0; asked.size < 256 && turn < 1_000; turn += 1) await clock.advance(1);
  await clock.advance(1);
  expect([most, asked.size]).toEqual([4, 256]);
  await client.getEntry({ name: 'entry 200' });
  expect(asked.size).toBe(256);
});

describe('an answer for one principal', () => {
  const ada = { subject: 'ada', issuer: 'test', scopes: ['read'], actors: [] };
  const others = [
    undefined,
    { ...ada, subject: 'bob' },
    { ...ada, issuer: 'other' },
    { ...ada, scopes: [] },
    { ...ada, scopes: ['read', 'write'] },
    { ...ada, actors: ['sales'] },
  ];

  it('is given to no other, nor to the same one with other scopes', async () => {
    const { client, counts } = cached();
    expect(textOf(await client.getEntry({ name: 'a' }, { principal: ada }))).toBe('content 1');
    for (const principal of others) await client.getEntry({ name: 'a' }, { principal });
    expect(counts.get).toBe(1 + others.length);
    expect(textOf(await client.getEntry({ name: 'a' }, { principal: { ...ada } }))).toBe('content 1');
    for (const principal of others) await client.getEntry({ name: 'a' }, { principal });
    expect(counts.get).toBe(1 + others.length);
  });

  it('is waited for by no other', async () => {
    const slow = gate();
    const subjects: (string | undefined)[] = [];
    const describeEntry = async (_: unknown, { values }: ServerCall) => {
      const { subject } = values.get(callPrincipal) ?? {};
      subjects.push(subject);
      await slow.opened;
      return { text: subject ?? '' };
    };
    const { client } = cached({ handlers: { describeEntry } });
    const asked = [ada, { ...ada, subject: 'bob' }, undefined, ada].map((principal) =>
      client.describeEntry({}, { principal }),
    );
    slow.open();
    const texts = (await Promise.all(asked)).map(({ text }) => text);
    expect(texts).toEqual(['ada', 'bob', '', 'ada']);
    expect(subjects).toEqual(['ada', 'bob', undefined]);
  });

  it('ends with those of all others when the request is invalidated', async () => {
    const { client, cache, counts } = cached();
    await client.getEntry({ name: 'a' }, { principal: ada });
    await client.getEntry({ name: 'a' });
    cache.invalidate(client.getEntry, { name: 'a' });
    await client.getEntry({ name: 'a' }, { principal: ada });
    await client.getEntry({ name: 'a' });
    expect(counts.get).toBe(4);
  });
});
