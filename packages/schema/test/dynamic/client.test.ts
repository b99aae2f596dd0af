import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { afterAll, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createChannel, staticResolver } from '@rondo/rpc/client';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { createRouter, type Handlers, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, createTestChannel, failureOf, ManualClock, standIn } from '@rondo/rpc/testing';
import type { ContractSource } from '../../src/dynamic/contracts.js';
import { createDynamicClient, descriptorContracts, toMessage, writeMessage } from '../../src/exports/index.js';
import { compileSample } from './compile.js';

const CONFORMANCE = 'rondo.conformance.v1.ConformanceService';
const { file } = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../../../contracts/descriptors.binpb', import.meta.url)),
);
const NEEDED = /^(?:google\/(?:protobuf|rpc)|rondo\/(?:options\/v1|conformance\/v1\/(?:adder|conformance|pinned)))/;
const set = create(FileDescriptorSetSchema, { file: file.filter(({ name }) => NEEDED.test(name)) });
const own = descriptorContracts(toBinary(FileDescriptorSetSchema, set));

const open: Channel[] = [];
afterAll(() => {
  for (const channel of open) channel.close();
});

const conformance: Partial<Handlers<typeof ConformanceServiceDefinition>> = {
  unary: ({ text, payload }, { deadline }) => ({
    text: text.toUpperCase(),
    payload,
    remaining: { seconds: BigInt(deadline === undefined ? 0 : 1), nanos: 0 },
  }),
  async clientStream(requests) {
    const texts: string[] = [];
    for await (const { text } of requests) texts.push(text);
    return { texts };
  },
  async *serverStream({ count }) {
    for (let index = 0; index < count; index += 1) yield { index };
  },
  async *follow({ count, resumeToken, breakAfter }) {
    const from = Number(resumeToken);
    const until = Math.min(count, from + breakAfter);
    for (let index = from; index < until; index += 1) yield { index, resumeToken: `${index + 1}` };
    if (until < count) throw new RpcError(Status.UNAVAILABLE, 'this instance is shutting down');
  },
  async *bidiStream(requests) {
    for await (const { text } of requests) yield { text: text.toUpperCase() };
  },
};

/**
 * A client of a server with the conformance services, whose contracts come from `contracts`. Its time stands still: a busy
 * machine misses no deadline.
 */
function connect(contracts: ContractSource, clock: Clock = new ManualClock()) {
  const adder = implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
  const services = [adder, standIn(ConformanceServiceDefinition, conformance)];
  const channel = createTestChannel({ services, clock });
  open.push(channel);
  return { channel, client: createDynamicClient({ channel, contracts }) };
}

/** Of the tests that need no contracts of their own: to learn one takes longest. */
const { client } = connect(own);
const sample = connect(descriptorContracts(await compileSample()));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('a call by name', () => {
  it.each([
    ['rondo.conformance.v1.AdderService', 'Add'],
    ['AdderService', 'add'],
    ['adder', 'ADD'],
    ['v1.Adder', 'add'],
  ])('of %s, %s is that of the contract', async (service, method) => {
    expect(await client.call(service, method, { a: 2, b: '3' })).toEqual({ result: '5' });
  });

  it('takes 64-bit integers as bigints, texts and safe numbers, and replies with texts', async () => {
    const large = 2n ** 62n;
    expect(await client.call('Adder', 'add', { a: large, b: 1 })).toEqual({ result: '4611686018427387905' });
    const refused = await failureOf(client.call('Adder', 'add', { a: 2 ** 62 }));
    expect(refused.code).toBe(Status.INVALID_ARGUMENT);
    expect(refused.message).toContain('a: must be a bigint or a text, as JavaScript has rounded');
  });

  it('takes bytes as Uint8Array or base64, and replies with base64', async () => {
    const { payload } = await client.call(CONFORMANCE, 'unary', { payload: Buffer.from([222, 173]) });
    expect(payload).toBe('3q0=');
    expect(await client.call(CONFORMANCE, 'unary', { payload })).toMatchObject({ payload: '3q0=' });
  });

  it.each([
    ['an array', ['a', 'b'].map((text) => ({ text }))],
    ['a generator', ['a', 'b'].map((text) => ({ text })).values()],
  ])('sends a stream of requests from %s', async (_what, requests) => {
    expect(await client.call(CONFORMANCE, 'clientStream', requests)).toEqual({ texts: ['a', 'b'] });
  });

  it('reads a stream of replies, and one reply as such a stream', async () => {
    const replies = await all(client.stream(CONFORMANCE, 'ServerStream', { count: 2 }));
    expect(replies.map(({ index }) => index)).toEqual([0, 1]);
    expect(await all(client.stream('Adder', 'add', { a: 1 }))).toEqual([{ result: '1' }]);
  });

  it('streams both ways: a reply comes before the next request is made', async () => {
    const seen: unknown[] = [];
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const requests = async function* () {
      yield { text: 'one' };
      await answered;
      yield { text: 'two' };
    };
    for await (const { text } of client.stream(CONFORMANCE, 'bidiStream', requests())) {
      seen.push(text);
      answer();
    }
    expect(seen).toEqual(['ONE', 'TWO']);
  });

  it('resumes a stream as its contract says', async () => {
    const { client } = connect(own, systemClock);
    const replies = await all(client.stream(CONFORMANCE, 'follow', { count: 4, breakAfter: 2 }));
    expect(replies.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  it('has the deadline of its contract', async () => {
    expect(await client.call(CONFORMANCE, 'unary', {})).toMatchObject({ remaining: '1s' });
  });

  it('has the balancing of its contract', async () => {
    const { client: ofSample, channel } = sample;
    await ofSample.method('Sample', 'name');
    const [view] = channel.inspect();
    expect(view?.service).toBe('sample.v1.SampleService');
    expect(view?.balancing).toMatchObject({ policy: 'least_request', origin: 'contract' });
  });

  it('fails if its contract needs a plugin that the channel lacks', async () => {
    const { client } = connect(own, systemClock);
    const error = await failureOf(client.call('rondo.conformance.v1.PinnedService', 'touch', {}));
    expect(error).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: expect.stringContaining('rondo add balancing'),
    });
  });

  it('goes to an instance that can be reached', async () => {
    const network = createMemoryNetwork();
    const services = [standIn(ConformanceServiceDefinition, conformance)];
    network.listen('well', createRouter({ services }));
    const channel = createChannel({ resolver: staticResolver(['well', 'gone']), transport: network.transport });
    open.push(channel);
    const client = createDynamicClient({ channel, contracts: own });
    for (let call = 0; call < 4; call += 1) {
      expect(await client.call(CONFORMANCE, 'unary', { text: 'a' })).toMatchObject({ text: 'A' });
    }
  });

  it('ends at its deadline and at its signal while the contract is learnt', async () => {
    const clock = new ManualClock();
    const channel = createTestChannel({ services: [], clock });
    open.push(channel);
    const silent: ContractSource = { services: () => new Promise(() => undefined), load: own.load };
    const client = createDynamicClient({ channel, contracts: silent });
    const late = failureOf(client.call('Adder', 'add', {}, { timeoutMs: 500 }));
    const stop = new AbortController();
    const cancelled = failureOf(client.call('Adder', 'add', {}, { signal: stop.signal }));
    stop.abort();
    expect((await cancelled).code).toBe(Status.CANCELLED);
    await clock.advance(500);
    expect(await late).toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
      message: "the contract of Adder wasn't learnt before the deadline",
    });
    expect(clock.timers).toBe(0);
  });

  it('learns a contract once, and again after a failure', async () => {
    const asked: string[] = [];
    let fails = true;
    const contracts: ContractSource = {
      services: own.services,
      async load(service) {
        asked.push(service);
        if (fails) throw new RpcError(Status.UNAVAILABLE, 'away');
        return own.load(service);
      },
    };
    const { client } = connect(contracts);
    expect((await failureOf(client.call('Adder', 'add'))).message).toBe('away');
    fails = false;
    await Promise.all([client.call('Adder', 'add'), client.call('Adder', 'add'), client.call('AdderService', 'Add')]);
    await client.call('Adder', 'add');
    expect(asked.length).toBeLessThanOrEqual(3);
    await client.call('v1.Adder', 'add');
    expect(asked.length).toBeLessThanOrEqual(3);
  });
});

describe('a call that does not fit', () => {
  const { UNIMPLEMENTED, INVALID_ARGUMENT } = Status;

  it.each<[string, string, object, Status, string]>([
    ['v1.AddrService', 'add', {}, UNIMPLEMENTED, 'Did you mean "rondo.conformance.v1.AdderService"? There are: '],
    ['nothing.like.It', 'add', {}, UNIMPLEMENTED, 'there is no contract of a service "nothing.like.It". There are: '],
    ['Adder', 'ad', {}, UNIMPLEMENTED, 'AdderService has no method ad; it has Add. Did you mean "Add"?'],
    ['Adder', 'add', { c: 1 }, INVALID_ARGUMENT, 'c: is not a field of rondo.conformance.v1.AddRequest; it has a, b'],
    ['Adder', 'add', { a: 'x' }, INVALID_ARGUMENT, 'a: must be a whole number from -9223372036854775808 to'],
    ['Adder', 'add', { a: Number.NaN }, INVALID_ARGUMENT, 'a: must be a whole number'],
    [
      'Adder',
      'add',
      { a: () => 1 },
      INVALID_ARGUMENT,
      'a: must be JSON, a bigint, a Uint8Array or a Date, not function',
    ],
    ['Adder', 'add', [{ a: 1 }], INVALID_ARGUMENT, 'the request: must be an object {…} of'],
    [CONFORMANCE, 'unary', { text: 1n }, INVALID_ARGUMENT, 'text: must be text in quotes, not 1'],
    [CONFORMANCE, 'unary', { text: new Date(Number.NaN) }, INVALID_ARGUMENT, 'text: must be a valid Date'],
    [
      CONFORMANCE,
      'clientStream',
      {},
      INVALID_ARGUMENT,
      'takes a stream of requests: give an array, or another iterable',
    ],
    [CONFORMANCE, 'clientStream', [{ txt: 1 }], INVALID_ARGUMENT, 'txt: is not a field'],
    [CONFORMANCE, 'serverStream', {}, INVALID_ARGUMENT, 'answers with a stream: read it with stream()'],
  ])('%s/%s %j is refused, with the remedy', async (...[service, method, request, code, message]) => {
    const error = await failureOf(client.call(service, method, request));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('names the services that an ambiguous name may mean', async () => {
    const services = async () => ['a.v1.OrderService', 'b.v1.OrderService'];
    const error = await failureOf(connect({ services, load: own.load }).client.call('OrderService', 'get'));
    expect(error.code).toBe(INVALID_ARGUMENT);
    expect(error.message).toBe(
      '"OrderService" may be any of a.v1.OrderService, b.v1.OrderService: write more of the name',
    );
  });

  it('names an object that contains itself', async () => {
    const round: { text?: unknown } = {};
    round.text = round;
    const error = await failureOf(client.call(CONFORMANCE, 'unary', round));
    expect(error.message).toBe('text.text.text: is nested more than 100 deep');
  });
});

describe('names of Object.prototype', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s is no service, method or field',
    async (name) => {
      expect((await failureOf(client.call(name, 'add'))).code).toBe(Status.UNIMPLEMENTED);
      expect((await failureOf(client.call('Adder', name))).message).toContain(`has no method ${name}`);
      const request: object = JSON.parse(`{"${name}": {"polluted": 1}}`);
      expect((await failureOf(client.call('Adder', 'add', request))).message).toContain(`${name}: is not a field`);
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    },
  );

  it('are names as others, if a contract has them', async () => {
    const odd = ['__proto__', 'constructor', 'toString'];
    const field = (name: string, number: number) => ({
      name,
      jsonName: name,
      number,
      type: Type.STRING,
      label: Label.OPTIONAL,
    });
    const method = (name: string) => ({ name, inputType: '.valueOf', outputType: '.valueOf' });
    const messageType = [{ name: 'valueOf', field: odd.map((name, index) => field(name, index + 1)) }];
    const service = odd.map((name) => ({ name, method: odd.map(method) }));
    const odds = create(FileDescriptorSetSchema, {
      file: [{ name: 'odd.proto', syntax: 'proto3', messageType, service }],
    });
    const { client } = connect(descriptorContracts(toBinary(FileDescriptorSetSchema, odds)));
    for (const name of odd) {
      const found = await client.method(name, name);
      expect(found.method).toMatchObject({ service: name, name, requestStream: false, responseStream: false });
      const request: object = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": "c"}');
      const error = await failureOf(found.call(request));
      expect(error.code).toBe(Status.UNIMPLEMENTED); // the server has no such service: the request fitted
    }
  });

  it('are keys of a map as others', async () => {
    const { client } = sample;
    const request: object = JSON.parse('{"counts": {"__proto__": "1", "constructor": "2"}}');
    const error = await failureOf(client.call('Sample', 'get', request));
    expect(error.code).toBe(Status.UNIMPLEMENTED);
    const { method, schema } = await client.method('Sample', 'get');
    const sent = toBinary(method.input, toMessage(method.input, JSON.parse(JSON.stringify(request)), schema.registry));
    const view = JSON.stringify(writeMessage(method.input, fromBinary(method.input, sent), schema.registry));
    expect(view).toContain('"counts":{"__proto__":"1","constructor":"2"}');
  });
});
