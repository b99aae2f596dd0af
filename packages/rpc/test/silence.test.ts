/** Instances that fall silent: they are connected, but answer nothing for a while, or for good. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, implement } from '../src/exports/server.js';
import { createFaultNetwork, ManualClock } from '../src/exports/testing.js';
import { endpoint } from './support/endpoints.js';
import { fleetsOfATest } from './support/fleet.js';
import { conformanceService } from './support/service.js';

/** By now a silent instance is known to be silent, and by then its connection has ended. Milliseconds. */
const NOTICED_MS = 1_250;
const ENDED_MS = 5_750;

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A client of connected instances that record which calls they carry out. */
async function start(names: readonly string[]) {
  const clock = new ManualClock();
  const network = createFaultNetwork({ clock });
  const handled: string[] = [];
  for (const name of names) {
    const node = network.node(name);
    const services = [
      conformanceService({
        unary({ text }) {
          handled.push(`${name} ${text}`);
          return { text: name };
        },
        unaryUnsafe() {
          handled.push(`${name} unsafe`);
          return {};
        },
      }),
      implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) }),
    ];
    node.listen(`${name}:1`, createRouter({ services, clock: node.clock }));
  }
  const client = network.node('client');
  const resolver = staticResolver(names.map((name) => `${name}:1`));
  const channel = createChannel({ resolver, transport: client.transport, clock: client.clock });
  channels.push(channel);
  const { unary, unaryUnsafe } = createClient(ConformanceServiceDefinition, { channel });
  const outcomes = new Map<string, string>();
  const note = (text: string, call: Promise<object>) =>
    void call.then(
      () => outcomes.set(text, 'served'),
      (error) => outcomes.set(text, `${error.codeName}: ${error.message}`),
    );
  const safe = (text: string, timeoutMs = 30_000) => note(text, unary({ text }, { timeoutMs }));
  const unsafe = (text: string, timeoutMs = 30_000) => note(text, unaryUnsafe({}, { timeoutMs }));
  safe('warm up');
  await clock.advance(1_000);
  handled.length = 0;
  outcomes.clear();
  return { clock, network, handled, channel, safe, unsafe, outcomes };
}

describe('a silent instance', () => {
  it('is not picked, and the safe calls in flight there are made elsewhere; its connection stands', async () => {
    const { clock, network, handled, channel, safe, unsafe, outcomes } = await start(['a', 'b', 'c']);
    network.node('a').freeze();
    for (let count = 0; count < 9; count += 1) safe(`early ${count}`);
    await clock.advance(NOTICED_MS);
    expect([...outcomes.values()]).toEqual(new Array(9).fill('served'));
    for (let count = 0; count < 9; count += 1) unsafe(`late ${count}`, 100);
    await clock.advance(50);
    expect(outcomes.size).toBe(18);
    expect(handled.filter((line) => line.startsWith('a'))).toEqual([]);
    const seen = channel.inspect()[0]?.endpoints.find(({ address }) => address === 'a:1');
    expect(seen).toMatchObject({ state: 'ready', held: 'silent: it is connected but answers nothing' });
  });

  it('is picked again as soon as it is heard', async () => {
    const { clock, network, handled, safe } = await start(['a', 'b', 'c']);
    network.node('a').freeze();
    await clock.advance(NOTICED_MS);
    network.node('a').thaw();
    for (let count = 0; count < 9; count += 1) safe(`late ${count}`);
    await clock.advance(50);
    expect(handled.filter((line) => line.startsWith('a'))).toHaveLength(3);
  });

  it.each([900, 3_000])('answers the unsafe calls that it had, once each, after %d ms', async (stillMs) => {
    const { clock, network, handled, unsafe, outcomes } = await start(['a', 'b', 'c']);
    network.node('a').freeze();
    for (let count = 0; count < 9; count += 1) unsafe(`call ${count}`);
    await clock.advance(stillMs);
    expect(outcomes.size).toBe(6);
    network.node('a').thaw();
    await clock.advance(100);
    expect([...outcomes.values()]).toEqual(new Array(9).fill('served'));
    expect(handled.toSorted()).toEqual(['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c'].map((name) => `${name} unsafe`));
  });

  it('ends its unsafe calls with its connection, 5 s later', async () => {
    const { clock, network, handled, unsafe, outcomes } = await start(['a', 'b', 'c']);
    network.node('a').freeze();
    for (let count = 0; count < 9; count += 1) unsafe(`call ${count}`);
    await clock.advance(4_700);
    expect(outcomes.size).toBe(6);
    await clock.advance(ENDED_MS - 4_700);
    expect([...outcomes.values()].filter((text) => text.startsWith('UNAVAILABLE: '))).toHaveLength(3);
    network.node('a').thaw();
    await clock.advance(1);
    // Their outcome was unknown: it carries out what had reached it.
    expect(handled).toHaveLength(9);
  });

  it('that is the only one keeps its calls; new ones wait until it is heard', async () => {
    const { clock, network, handled, safe, unsafe, outcomes } = await start(['a']);
    network.node('a').freeze();
    safe('early safe');
    unsafe('early unsafe');
    await clock.advance(NOTICED_MS);
    safe('late safe');
    unsafe('late unsafe');
    await clock.advance(1_000);
    expect(outcomes.size).toBe(0);
    network.node('a').thaw();
    await clock.advance(100);
    expect([...outcomes.values()]).toEqual(new Array(4).fill('served'));
    expect(handled).toHaveLength(4);
  });

  it('that stays silent fails the calls that wait for it before they leave', async () => {
    const { clock, network, handled, unsafe, outcomes } = await start(['a']);
    network.node('a').freeze();
    await clock.advance(NOTICED_MS);
    unsafe('waiting', 1_000);
    await clock.advance(1_000);
    expect(outcomes.get('waiting')).toMatch(/^DEADLINE_EXCEEDED: .*it is silent/s);
    network.node('a').thaw();
    await clock.advance(100);
    expect(handled).toEqual([]);
  });

  it('keeps a safe call that has no attempt left', async () => {
    const { clock, network, outcomes, channel } = await start(['a', 'b']);
    const { unary } = createClient(ConformanceServiceDefinition, { channel });
    network.node('a').freeze();
    const make = async (text: string) => {
      const reply = await unary({ text }, { maxAttempts: 1, timeoutMs: 30_000 });
      outcomes.set(text, reply.text);
    };
    const calls = [make('1'), make('2')];
    await clock.advance(3_000);
    expect([...outcomes.values()]).toEqual(['b']);
    network.node('a').thaw();
    await clock.advance(100);
    await Promise.all(calls);
    expect([...outcomes.values()]).toEqual(['b', 'a']);
  });

  it('is silent to every service of the channel', async () => {
    const { clock, network, channel, safe, outcomes } = await start(['a', 'b']);
    const { add } = createClient(AdderServiceDefinition, { channel });
    const sums: bigint[] = [];
    const sum = () => void add({ a: 1n, b: 1n }).then(({ result }) => sums.push(result));
    sum();
    await clock.advance(100);
    network.node('a').freeze();
    await clock.advance(NOTICED_MS);
    for (let count = 0; count < 4; count += 1) {
      sum();
      safe(`call ${count}`);
    }
    await clock.advance(10);
    expect(sums).toHaveLength(5);
    expect([...outcomes.values()]).toEqual(new Array(4).fill('served'));
  });

  it('costs its calls the retry budget: in an outage of all, few are made twice', async () => {
    const { clock, network, handled, safe, outcomes } = await start(['a', 'b']);
    for (let count = 0; count < 400; count += 1) safe(`call ${count}`, 3_000);
    network.node('a').freeze();
    network.node('b').freeze();
    await clock.advance(100);
    network.node('b').thaw();
    await clock.advance(2_000);
    network.node('a').thaw();
    await clock.advance(500);
    expect(outcomes.size).toBe(400);
    expect(new Set(outcomes.values())).toEqual(new Set(['served']));
    expect(handled.length).toBeLessThan(600);
  });
});

describe('an instance that can’t serve any more, as the registry says', () => {
  const open = fleetsOfATest();

  it.each([
    ['starting', 'b'],
    ['draining', 'a'],
    ['cordoned', 'a'],
  ] as const)('%s: its safe calls in flight are answered by %s', async (state, by) => {
    const { clock, list, unary, unaryUnsafe, settled, begun } = open(['a', 'b'], { a: { workMs: 3_000 } });
    await settled(Promise.all([unary({}), unary({})]));
    const calls = Array.from({ length: 2 }, () => unary({ text: 'safe' }));
    const unsafe = Promise.all([unaryUnsafe({}), unaryUnsafe({})]);
    await clock.advance(100);
    list(endpoint('a', { state }), 'b');
    const [first, second] = await settled(Promise.all(calls));
    expect([first?.text, second?.text].sort()).toEqual([`safe by ${by}`, 'safe by b']);
    await settled(unsafe);
    expect(begun.filter(({ text }) => text === 'unsafe')).toHaveLength(2);
  });
});
