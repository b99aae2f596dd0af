/** Idempotency keys between clients and replicas: who makes a key, how long it stays, and what repetitions get. */

import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CreateEntryRequest, KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import { CallContext, callerIdentity, Metadata, type ServerCall } from '../src/exports/call.js';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createForwarder, type Method, methodsOf } from '../src/exports/internal.js';
import type { Middleware } from '../src/exports/middleware.js';
import { createRouter, implement } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { createMemoryNetwork } from '../src/exports/testing.js';
import { createMemoryOutcomes } from '../src/testing/memory-outcomes.js';
import { encodedPolicy, METHOD_TAG, prefixed } from './support/contract.js';
import { failure } from './support/outcome.js';
import { policies, scatterStream } from './support/policies.js';
import { collect } from './support/stream.js';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Options {
  /** Whether to lose the reply of an attempt, by its number. The handler has run then. */
  readonly loses?: (attempt: number) => boolean;
  readonly middleware?: readonly Middleware<ServerCall>[];
  /** Whether clients ask another replica after a millisecond. The first attempt then waits for the second one. */
  readonly hedged?: boolean;
  /** Runs in the handler. */
  readonly work?: (text: string) => unknown;
}

/** Three replicas that share a store and count what they have done. */
function replicas({ loses = () => false, middleware = [], hedged = false, work = () => undefined }: Options = {}) {
  const network = createMemoryNetwork();
  const outcomes = createMemoryOutcomes();
  const made: string[] = [];
  const keys: string[] = [];
  const add = async (text: string) => {
    await work(text);
    made.push(text);
    return { id: BigInt(made.length), text };
  };
  let attempts = 0;
  let hedge: () => void = () => undefined;
  const secondAttempt = new Promise<void>((resolve) => {
    hedge = resolve;
  });
  for (const address of ['a', 'b', 'c']) {
    const service = implement(KeyedServiceDefinition, {
      createEntry: ({ text }) => add(text),
      addEntry: ({ text }) => add(text),
    });
    const noteKey: Middleware<ServerCall> = (call, next) => {
      const message = call.request.stream ? undefined : call.request.message;
      const requestId = typeof message === 'object' && message !== null ? Reflect.get(message, 'requestId') : '';
      keys.push(String(requestId || call.metadata.get('idempotency-key')));
      return next(call);
    };
    const router = createRouter({ services: [service], outcomes, middleware: [noteKey, ...middleware] });
    network.listen(address, {
      async handle(call) {
        attempts += 1;
        if (hedged && attempts === 1) await secondAttempt;
        hedge();
        const lost = loses(attempts);
        const reply = await router.handle(call);
        if (lost) throw new RpcError(Status.UNAVAILABLE, 'the reply was lost');
        return reply;
      },
    });
  }
  const resolver = staticResolver(['a', 'b', 'c']);
  const channel = createChannel({ resolver, transport: network.transport, policies });
  closers.push(() => channel.close());
  const client = createClient(hedged ? withHedge() : KeyedServiceDefinition, { channel });
  return { client, channel, made, keys };
}

/** The contract, with a hedge after a millisecond. */
function withHedge(): typeof KeyedServiceDefinition {
  const { methods } = KeyedServiceDefinition;
  const fields: Readonly<Record<number, readonly Buffer[]>> = methods.createEntry.options._unknownFields;
  const [policy = Buffer.alloc(1)] = fields[METHOD_TAG] ?? [];
  const hedged = prefixed(
    Buffer.concat([policy.subarray(1), encodedPolicy({ hedge: { delay: { nanos: 1_000_000 } } }).subarray(1)]),
  );
  const options = { _unknownFields: { ...fields, [METHOD_TAG]: [hedged] } };
  const createEntry = { ...methods.createEntry, options } as unknown as typeof methods.createEntry;
  return { ...KeyedServiceDefinition, methods: { ...methods, createEntry } };
}

describe('a client', () => {
  it('makes a key and keeps it over retries, so that a lost reply has one effect', async () => {
    const { client, made, keys } = replicas({ loses: (attempt) => attempt < 3 });
    expect(await client.createEntry({ text: 'once' })).toEqual({ id: 1n, text: 'once' });
    expect(made).toEqual(['once']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(UUID_7);
    await client.createEntry({ text: 'once' });
    expect(made).toHaveLength(2);
  });

  it('does so for a key in the metadata', async () => {
    const { client, made, keys } = replicas({ loses: (attempt) => attempt < 3 });
    await client.addEntry({ text: 'once' });
    expect(made).toEqual(['once']);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(UUID_7);
  });

  it('keeps the key that its caller gives, and the caller’s message as it is', async () => {
    const { client, keys } = replicas();
    const request = { text: 'mine', requestId: '' };
    await client.createEntry(request);
    expect(request).toEqual({ text: 'mine', requestId: '' });
    await client.createEntry({ text: 'given', requestId: 'my-key' });
    await client.addEntry({ text: 'given' }, { metadata: { 'idempotency-key': 'my-other-key' } });
    expect(keys.slice(1)).toEqual(['my-key', 'my-other-key']);
  });

  it('keeps it over a hedge: both attempts have one effect', async () => {
    const { client, made, keys } = replicas({ hedged: true });
    expect(await client.createEntry({ text: 'hedged' })).toEqual({ id: 1n, text: 'hedged' });
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(made).toEqual(['hedged']);
  });

  it('gives each part of a scatter one key for all its attempts', async () => {
    const { client, made } = replicas({ loses: (attempt) => attempt <= 2 });
    const requests = [{ text: '1' }, { text: '2' }, { text: '3' }];
    await collect(scatterStream(client.createEntry, requests, { maxAttempts: 3 }));
    expect(made.sort()).toEqual(['1', '2', '3']);
  });
});

describe('a forwarder', () => {
  const method = methodsOf(KeyedServiceDefinition).get('createEntry');
  const message = CreateEntryRequest.encode(CreateEntryRequest.fromPartial({ text: 'once' })).finish();

  function forward(channel: Parameters<typeof createForwarder>[0], fields: Partial<Method>) {
    if (method === undefined) throw new Error('no method');
    return createForwarder(channel)({
      method: { ...method, ...fields },
      metadata: new Metadata(),
      context: new CallContext({ clock: channel.clock }),
      request: { stream: false, message },
    });
  }

  it('adds a key to a request without one', async () => {
    const { channel, made, keys } = replicas({ loses: (attempt) => attempt < 3 });
    await forward(channel, { policyFields: { key: 20 } });
    expect(made).toEqual(['once']);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(UUID_7);
  });

  it('retries no call to which it can add no key', async () => {
    const { channel, made } = replicas({ loses: (attempt) => attempt < 3 });
    await expect(forward(channel, {})).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(made).toEqual(['once']);
  });
});

describe('a server', () => {
  it('answers twelve concurrent calls with one key by one effect, over three replicas', async () => {
    const { client, made } = replicas();
    const request = { text: 'raced', requestId: randomUUID() };
    const replies = await Promise.all(Array.from({ length: 12 }, () => client.createEntry(request)));
    expect(made).toEqual(['raced']);
    for (const reply of replies) expect(reply).toEqual({ id: 1n, text: 'raced' });
  });

  it('refuses the key for another request, and takes it for another method and another caller', async () => {
    let caller = '';
    const identify: Middleware<ServerCall> = (call, next) => {
      call.values.set(callerIdentity, caller);
      return next(call);
    };
    const { client, made } = replicas({ middleware: [identify] });
    const requestId = randomUUID();
    await client.createEntry({ text: 'one', requestId });
    const other = await failure(client.createEntry({ text: 'two', requestId: requestId.toUpperCase() }));
    expect(other).toMatchObject({
      code: Status.ALREADY_EXISTS,
      message: `request_id ${requestId} was used for another request; make a new UUID for each new request`,
    });
    await client.addEntry({ text: 'two' }, { metadata: { 'idempotency-key': requestId } });
    caller = 'bob';
    await client.createEntry({ text: 'two', requestId });
    expect(made).toEqual(['one', 'two', 'two']);
  });

  it('refuses a key that can be none, and runs a call without a key', async () => {
    const { client, made } = replicas();
    for (const requestId of ['two words', 'é', 'x'.repeat(129)]) {
      expect(await failure(client.createEntry({ requestId }))).toMatchObject({
        code: Status.INVALID_ARGUMENT,
        message: expect.stringContaining('request_id: must be 1 to 128 visible characters'),
      });
    }
    expect(made).toEqual([]);
  });

  it('stores an error that the contract calls final, and no other', async () => {
    let fault: RpcError | undefined;
    const { client, made } = replicas({
      work: () => {
        if (fault !== undefined) throw fault;
      },
    });
    for (const [code, again] of [
      [Status.FAILED_PRECONDITION, 'fails'],
      [Status.NOT_FOUND, 'succeeds'],
    ] as const) {
      const request = { text: String(code), requestId: randomUUID() };
      fault = new RpcError(code, 'not now');
      await expect(client.createEntry(request)).rejects.toMatchObject({ code, message: 'not now' });
      fault = undefined;
      if (again === 'fails') {
        await expect(client.createEntry(request)).rejects.toMatchObject({ code, message: 'not now' });
        await expect(client.createEntry({ ...request, text: 'other' })).rejects.toMatchObject({
          code: Status.ALREADY_EXISTS,
        });
      } else expect(await client.createEntry(request)).toMatchObject({ text: request.text });
    }
    expect(made).toEqual([String(Status.NOT_FOUND)]);
  });

  it('is not created without a store', () => {
    const service = implement(KeyedServiceDefinition, { createEntry: () => ({}), addEntry: () => ({}) });
    expect(() => createRouter({ services: [service] })).toThrow(/CreateEntry has idempotency keys.*pass `outcomes`/);
  });
});
