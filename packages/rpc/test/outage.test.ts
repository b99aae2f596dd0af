/** How a client behaves when its registry sends something wrong, or nothing: the outage contract, over memory. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { OperatorState, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Channel, createClient, createRegistryChannel } from '../src/exports/client.js';
import { createRouter } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { createMemoryNetwork, ManualClock, seededRandom } from '../src/exports/testing.js';
import type { TransportFactory } from '../src/transport/transport.js';
import { memoryStorage } from './support/memory-storage.js';
import { failure } from './support/outcome.js';
import { scriptedRegistry } from './support/scripted-registry.js';
import { at, delta, instances, settled, snapshot } from './support/scripted-watch.js';
import { conformanceService } from './support/service.js';

const SERVICE = ConformanceServiceDefinition.fullName;

const open: Channel[] = [];
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});

/** A registry at `r:1`, and instances of the conformance service at addresses by their names. */
function createSystem(...names: readonly string[]) {
  const network = createMemoryNetwork();
  const clock = new ManualClock();
  const registry = scriptedRegistry();
  const begin = (name: string) => {
    const unary = () => ({ text: name });
    return network.listen(`${name}:1`, createRouter({ services: [conformanceService({ unary })], clock }));
  };
  const running = new Map(names.map((name) => [name, begin(name)]));
  const listenRegistry = () => network.listen('r:1', createRouter({ services: [registry.service], clock }));
  const storage = memoryStorage();
  const startClient = ({ transport = network.transport } = {}) => {
    const random = seededRandom(5);
    const options = { registry: ['r:1'], transport, clock, random, storage };
    const channel = createRegistryChannel(options);
    open.push(channel);
    const client = createClient(ConformanceServiceDefinition, { channel });
    /** The instances that answer `count` calls. */
    const answers = async (count = 6) => {
      const texts = new Set<string>();
      for (let call = 0; call < count; call += 1) texts.add((await client.unary({})).text);
      return [...texts].sort();
    };
    const source = () => channel.inspect()[0]?.source?.state;
    return { client, channel, clock, answers, source };
  };
  const kill = (name: string) => running.get(name)?.close();
  return { network, clock, registry, listenRegistry, startClient, kill, begin };
}

/** A client of `a` and `b`, both of which it has called. */
async function calling() {
  const system = createSystem('a', 'b');
  const listener = system.listenRegistry();
  const client = system.startClient();
  await system.registry.event({ position: at(9n), event: snapshot(['a', 'b']) });
  expect(await client.answers()).toEqual(['a', 'b']);
  return { ...system, ...client, listener };
}

describe('an instance that vanishes from the registry without deregistering', () => {
  const ways: [string, readonly Parameters<ReturnType<typeof scriptedRegistry>['event']>[0][]][] = [
    ['by an empty list', [{ position: at(10n), event: snapshot([]) }]],
    ['by a list that lacks it', [{ position: at(10n), event: snapshot(['a']) }]],
    ['by a list of a registry that started anew', [{ position: at(1n, 2n), event: snapshot(['a']) }]],
    [
      'by a registry that restarted, and has warmed up',
      [
        { position: at(1n, 2n), warming: true, event: snapshot([]) },
        { position: at(2n, 2n), event: snapshot(['a']) },
      ],
    ],
    ['as its lease ran out', [{ position: at(10n), event: delta([], [['b', RemovalReason.REMOVAL_REASON_EXPIRED]]) }]],
    ['for a reason that is unknown here', [{ position: at(10n), event: delta([], [['b', 77 as RemovalReason]]) }]],
  ];

  it.each(ways)('%s, is called until its connection breaks, and then no more', async (_name, events) => {
    const { registry, answers, kill, channel, begin } = await calling();
    for (const event of events) await registry.event(event);
    expect(await answers()).toEqual(['a', 'b']);
    kill('b');
    expect(await answers()).toEqual(['a']);
    begin('b');
    expect(await answers()).toEqual(['a']);
    expect(channel.inspect()[0]?.endpoints.map(({ instanceId }) => instanceId)).toEqual(['a']);
  });

  it('is called again once it is listed again', async () => {
    const { registry, answers, kill, begin } = await calling();
    await registry.event({ position: at(10n), event: snapshot(['a']) });
    kill('b');
    await answers();
    begin('b');
    await registry.event({ position: at(11n), event: snapshot(['a', 'b']) });
    expect(await answers()).toEqual(['a', 'b']);
  });

  it.each([RemovalReason.REMOVAL_REASON_DEREGISTERED, RemovalReason.REMOVAL_REASON_REPLACED])(
    'differs from one that deregistered (%s), which goes at once',
    async (reason) => {
      const { registry, answers } = await calling();
      await registry.event({ position: at(10n), event: delta([], [['b', reason]]) });
      expect(await answers()).toEqual(['a']);
    },
  );
});

describe('an instance that registers again after its connection failed', () => {
  it('is reconnected at once, and no other instance is', async () => {
    const hurried: string[] = [];
    const system = createSystem('a', 'b');
    system.listenRegistry();
    const transport: TransportFactory = (address, known) =>
      Object.assign(system.network.transport(address, known), { resetBackoff: () => hurried.push(address) });
    const { client } = system.startClient({ transport });
    await system.registry.event({ position: at(9n), event: snapshot(['a', 'b']) });
    await client.unary({});
    const anew = { upserts: instances('b'), removals: [] };
    await system.registry.event({ position: at(10n), event: { $case: 'delta', value: anew } });
    expect(hurried).toEqual(['b:1']);
  });
});

describe('a registry that is away', () => {
  it('fails no call of a client that knows instances', async () => {
    const { listener, answers, clock, source, registry, listenRegistry } = await calling();
    listener.close();
    await clock.advance(120_000);
    expect(source()).toBe('away');
    expect(await answers()).toEqual(['a', 'b']);
    listenRegistry();
    await clock.advance(3_000);
    expect(registry.requests.at(-1)).toMatchObject({ resumeFrom: at(9n) });
  });

  it('fails no call of a new client, if an earlier one saved its instances', async () => {
    const { listener, clock, channel, startClient } = await calling();
    await clock.advance(1_000);
    channel.close();
    listener.close();
    const later = startClient();
    expect(await later.answers()).toEqual(['a', 'b']);
    expect(later.source()).toBe('last_known');
  });

  it('fails the calls of a client without instances at once, and names the address', async () => {
    const { client } = createSystem('a').startClient();
    const error = await failure(client.unary({}));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE });
    expect(error.message).toBe(
      `no instance of ${SERVICE} is known, as the registry at r:1 can't be reached (nothing listens there); start it, or set RONDO_REGISTRY to where it is`,
    );
  });
});

describe('a registry that has just started empty', () => {
  it('makes the calls of a client without instances wait, within their deadlines', async () => {
    const { registry, listenRegistry, startClient } = createSystem('a');
    listenRegistry();
    const { client, clock } = startClient();
    await registry.event({ position: at(1n), warming: true, event: snapshot([]) });
    const late = failure(client.unary({}, { timeoutMs: 400 }));
    const inTime = client.unary({}, { timeoutMs: 3_000 });
    await clock.advance(500);
    const text = `no instance of ${SERVICE} is known yet, as the registry has just started empty`;
    const message = expect.stringContaining(text);
    expect(await late).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message });
    await registry.event({ position: at(2n), warming: true, event: snapshot(['a']) });
    expect((await inTime).text).toBe('a');
  });
});

it('a call to a service that never had an instance fails fast, and names the service and the registry', async () => {
  const { registry, listenRegistry, startClient } = createSystem();
  listenRegistry();
  const { client } = startClient();
  await registry.event({ position: at(1n), event: snapshot([]) });
  expect(await failure(client.unary({}))).toMatchObject({
    code: Status.UNAVAILABLE,
    message: `no instance of ${SERVICE} is registered with the registry at r:1; start one, or check the service's name`,
  });
});

it('a cordoned instance gets no calls, and the error says so', async () => {
  const { registry, client, channel } = await calling();
  const operatorState = OperatorState.OPERATOR_STATE_CORDONED;
  const cordoned = instances('a', 'b').map((instance) => ({ ...instance, operatorState }));
  await registry.event({ position: at(10n), event: { $case: 'delta', value: { upserts: cordoned, removals: [] } } });
  const error = await failure(client.unary({}));
  expect(error.code).toBe(Status.UNAVAILABLE);
  expect(error.message).toContain('a at a:1, b at b:1: cordoned by an operator');
  expect(channel.inspect()[0]?.endpoints.map(({ instanceState }) => instanceState)).toEqual(['cordoned', 'cordoned']);
});

it('a server at the address of the registry may be no registry', async () => {
  const { network, clock, startClient } = createSystem();
  network.listen('r:1', createRouter({ services: [conformanceService()], clock }));
  const { client } = startClient();
  await settled();
  const error = await failure(client.unary({}));
  expect(error.message).toContain("the registry at r:1 can't be reached (the peer there is no registry: ");
});
