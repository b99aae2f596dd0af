import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { sleep } from '../src/exports/clock.js';
import { createRouter } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { createFaultNetwork, ManualClock } from '../src/exports/testing.js';
import type { FaultNetworkOptions } from '../src/testing/faults/network.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { wireCall } from './support/wire-call.js';

const UNARY = '/rondo.conformance.v1.ConformanceService/Unary';
const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A client of servers that record the calls which reach them. */
async function start(servers: readonly string[], options: FaultNetworkOptions = {}) {
  const clock = new ManualClock();
  const network = createFaultNetwork({ clock, ...options });
  const handled: string[] = [];
  const listen = (name: string) => {
    const node = network.node(name);
    const services = [
      conformanceService({
        async unary({ text }, call) {
          handled.push(`${name} ${text}`);
          if (text === 'slow') await sleep(node.clock, 400, call.signal);
          return { text: name };
        },
        async *serverStream(_request, { signal }) {
          yield { index: 0 };
          await sleep(node.clock, 60_000, signal).finally(() => handled.push(`${name} left`));
        },
      }),
    ];
    return node.listen(`${name}:1`, createRouter({ services, clock: node.clock }));
  };
  const listeners = servers.map(listen);
  const client = network.node('client');
  const resolver = staticResolver(servers.map((name) => `${name}:1`));
  const channel = createChannel({ resolver, transport: client.transport, clock: client.clock });
  channels.push(channel);
  const { unary, serverStream } = createClient(ConformanceServiceDefinition, { channel });
  const ask = (text = '', timeoutMs = 5_000) => outcome(unary({ text }, { timeoutMs }));
  await clock.advance(1_000);
  const stateOf = (name: string) =>
    channel.inspect()[0]?.endpoints.find(({ address }) => address === `${name}:1`)?.state;
  return { clock, network, handled, listen, listeners, client, ask, unary, serverStream, channel, stateOf };
}

/** The outcome of a call: the server that answered, or the status; settled or not. */
function outcome(call: Promise<{ readonly text: string }>) {
  const seen: { value?: string | Status } = {};
  call.then(
    ({ text }) => (seen.value = text),
    (error) => (seen.value = error.code),
  );
  return seen;
}

describe('a node', () => {
  it('that is killed breaks its connections, and a new one takes its place', async () => {
    const { clock, network, listen, ask } = await start(['a']);
    const cut = ask('slow');
    await clock.advance(1);
    network.node('a').kill();
    await clock.advance(1);
    expect(cut.value).toBe(Status.UNAVAILABLE);
    listen('a');
    await clock.advance(2_000);
    const again = ask();
    await clock.advance(1);
    expect(again.value).toBe('a');
  });

  it('without a connection fails no call that was sent: it was never sent', async () => {
    const { network, client, clock } = await start(['a']);
    const transport = client.transport('a:1');
    expect(await failure(transport.call(wireCall()))).toMatchObject({ reach: 'unsent' });
    const connected = transport.connect();
    await clock.advance(1);
    await connected;
    network.node('a').kill();
    expect(await failure(transport.call(wireCall()))).toMatchObject({ reach: 'unsent' });
    transport.close();
  });

  it('that is frozen runs no timer before it is thawed', async () => {
    const { clock, client } = await start([]);
    const fired: string[] = [];
    client.clock.setTimer(20, () => fired.push('second'));
    client.clock.setTimer(10, () => fired.push('first'));
    client.freeze();
    await clock.advance(1_000);
    expect(fired).toEqual([]);
    client.thaw();
    await clock.advance(0);
    expect(fired).toEqual(['first', 'second']);
  });

  it('whose clock jumps ahead runs the timers due in between at once; deadlines cross as the time left', async () => {
    const { clock, network, client, ask } = await start(['a']);
    network.node('a').jump(3_600_000);
    const call = ask('slow', 500);
    await clock.advance(450);
    expect(call.value).toBe('a');
    const late = ask('slow', 500);
    await clock.advance(1);
    client.jump(1_000);
    await clock.advance(1);
    expect(late.value).toBe(Status.DEADLINE_EXCEEDED);
    expect(() => client.jump(-1)).toThrow(RangeError);
  });

  it('that is slow delays its answers by its factor', async () => {
    const { clock, network, ask } = await start(['a'], { latencyMs: 10 });
    network.node('a').slow(20);
    const call = ask();
    await clock.advance(205);
    expect(call.value).toBeUndefined();
    await clock.advance(10);
    expect(call.value).toBe('a');
  });

  it('drains: refuses new calls, finishes calls in flight', async () => {
    const { clock, listeners, ask } = await start(['a', 'b']);
    const calls = [ask('slow'), ask('slow')];
    await clock.advance(1);
    let drained = false;
    void listeners[0]?.drain(1_000).then(() => (drained = true));
    const later = [ask(), ask()];
    await clock.advance(300);
    expect(later.map(({ value }) => value)).toEqual(['b', 'b']);
    expect(drained).toBe(false);
    await clock.advance(200);
    expect(calls.map(({ value }) => value).sort()).toEqual(['a', 'b']);
    expect(drained).toBe(true);
  });
});

describe('a route', () => {
  it.each(['client to a', 'a to client'])('that is cut from %s lets keepalive end its connection', async (way) => {
    const { clock, network, handled, ask } = await start(['a', 'b']);
    const [from = '', to = ''] = way.split(' to ');
    const heal = network.block({ from, to });
    const calls = [ask('1'), ask('2')];
    await clock.advance(1_500);
    expect(calls.map(({ value }) => value)).toEqual(['b', 'b']);
    expect(handled.filter((line) => line.startsWith('a'))).toHaveLength(to === 'a' ? 0 : 1);
    heal();
    await clock.advance(2_000);
    const again = [ask(), ask()];
    await clock.advance(1);
    expect(again.map(({ value }) => value).sort()).toEqual(['a', 'b']);
  });

  it('that is cut for a moment loses nothing', async () => {
    const { clock, network, ask } = await start(['a']);
    const heal = network.partition('client', 'a');
    const call = ask();
    await clock.advance(400);
    expect(call.value).toBeUndefined();
    heal();
    await clock.advance(1);
    expect(call.value).toBe('a');
  });

  it('that is slow delays messages, in order', async () => {
    const { clock, network, handled, ask } = await start(['a']);
    const end = network.delay({ from: 'client', to: 'a' }, 400);
    for (const text of ['1', '2', '3']) ask(text);
    await clock.advance(190);
    expect(handled).toEqual([]);
    end();
    ask('4');
    await clock.advance(400);
    expect(handled).toEqual(['a 1', 'a 2', 'a 3', 'a 4']);
  });

  it('that is cut lets the server notice that its reader has gone', async () => {
    const { clock, network, handled, serverStream } = await start(['a']);
    const reading = serverStream({ count: 1 })[Symbol.asyncIterator]();
    const first = reading.next();
    await clock.advance(1);
    await first;
    const second = reading.next().catch((error) => error);
    network.partition('client', 'a');
    await clock.advance(5_750);
    expect(await second).toMatchObject({ code: Status.UNAVAILABLE });
    expect(handled).toEqual(['a left']);
  });
});

describe('a call', () => {
  const route = { from: 'client', to: 'a', path: UNARY };

  it('whose request is lost with its connection reaches no handler', async () => {
    const { clock, network, handled, ask } = await start(['a']);
    network.fault(route, { kind: 'drop', what: 'request', seen: 'loss' });
    const call = ask();
    await clock.advance(1);
    expect(call.value).toBe(Status.UNAVAILABLE);
    expect(handled).toEqual([]);
  });

  it('whose reply is lost in silence was handled, and fails at its deadline', async () => {
    const { clock, network, handled, ask } = await start(['a']);
    network.fault(route, { kind: 'drop', what: 'reply', seen: 'silence' });
    const call = ask('1', 700);
    await clock.advance(699);
    expect(call.value).toBeUndefined();
    expect(handled).toEqual(['a 1']);
    await clock.advance(1);
    expect(call.value).toBe(Status.DEADLINE_EXCEEDED);
  });

  it('that is duplicated is handled twice, the second time late', async () => {
    const { clock, network, handled, ask } = await start(['a']);
    network.fault(route, { kind: 'duplicate', afterMs: 500 });
    const calls = [ask('1'), ask('2')];
    await clock.advance(499);
    expect(calls.map(({ value }) => value)).toEqual(['a', 'a']);
    expect(handled).toEqual(['a 1', 'a 2']);
    await clock.advance(1);
    expect(handled).toEqual(['a 1', 'a 2', 'a 1']);
  });

  it('that is reordered is overtaken by the next, or sent when none comes', async () => {
    const { clock, network, handled, ask } = await start(['a']);
    network.fault({ ...route, times: 1 }, { kind: 'reorder', withinMs: 100 });
    const calls = [ask('1'), ask('2')];
    await clock.advance(1);
    expect(handled).toEqual(['a 2', 'a 1']);
    expect(calls.map(({ value }) => value)).toEqual(['a', 'a']);
    network.fault(route, { kind: 'reorder', withinMs: 100 });
    const alone = ask('3');
    await clock.advance(99);
    expect(alone.value).toBeUndefined();
    await clock.advance(1);
    expect(alone.value).toBe('a');
  });
});
