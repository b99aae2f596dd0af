/**
 * Values that the types of requests and replies must refuse. `tsc --project tsconfig.tests.json` checks this file, as it
 * checks types.test.ts: a line under `@ts-expect-error` that compiles is an error there. Nothing of it is ever called.
 */
import { describe, expect, it } from '@jest/globals';
import { type DeepPartial, UInt64Value } from '@rondo/contracts/google/protobuf/wrappers';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import {
  type Instance,
  InstanceStatus,
  type RegisterRequest,
  type RegistryServiceDefinition,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Client } from '../src/exports/client.js';
import type { Handlers } from '../src/exports/server.js';
import { createTestChannel, standIn } from '../src/exports/testing.js';
import { streamOf } from './support/stream.js';

const { unary, clientStream, serverStream } = ConformanceServiceDefinition.methods;
const ofIntegers = { requestType: UInt64Value, responseType: UInt64Value };
const counter = {
  name: 'Counter',
  fullName: 'Counter',
  methods: {
    add: { ...unary, ...ofIntegers },
    sum: { ...clientStream, ...ofIntegers },
    count: { ...serverStream, ...ofIntegers },
  },
} as const;

type Counter = typeof counter;
type Registry = typeof RegistryServiceDefinition;

function integersOf64Bits(client: Client<Counter>, registry: Client<Registry>): void {
  void client.add({ value: 1n });
  // @ts-expect-error a string
  void client.add({ value: '1' });
  // @ts-expect-error in a stream
  void client.sum(streamOf({ value: 1 }));
  void registry.register({ instance: { incarnation: 1n }, ttl: { seconds: 1n } });
  // @ts-expect-error deep inside
  void registry.register({ instance: { incarnation: 1 } });
  // @ts-expect-error where a message is made
  UInt64Value.create({ value: 1 });
  // @ts-expect-error the other way round: a 64-bit integer for one of 32 bits
  void registry.register({ instance: { weight: 1n } });
}

function integersInReplies(): void {
  const one: Partial<Handlers<Counter>> = {
    add: () => ({ value: 1n }),
    // @ts-expect-error a string, later
    sum: async () => ({ value: '1' }),
    // @ts-expect-error a number, in a stream
    count: () => streamOf({ value: 1 }),
  };
  const nested: Partial<Handlers<Registry>> = {
    // @ts-expect-error deep inside
    watch: () => streamOf({ position: { epoch: 1 } }),
  };
  void [one, nested];
  // @ts-expect-error in a stand-in
  createTestChannel({ services: [standIn(counter, { add: () => ({ value: 1 }) })] });
}

/** Fields of every kind; the contracts don't have them all. */
interface Kinds {
  readonly list: bigint[];
  readonly byName: { [key: string]: bigint };
  readonly byId: Map<bigint, { amount: bigint }>;
  readonly choice: { $case: 'count'; value: bigint } | { $case: 'nothing'; value: Empty } | undefined;
  readonly wrapped: bigint | undefined;
  readonly optional?: bigint | undefined;
  readonly empty: Empty | undefined;
  readonly bytes: Buffer;
  readonly when: Date | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: ts-proto generates this for google.protobuf.Value
  readonly json: any;
  // biome-ignore lint/suspicious/noExplicitAny: ts-proto generates this for google.protobuf.Struct
  readonly struct: { [key: string]: any } | undefined;
}
// biome-ignore lint/complexity/noBannedTypes: ts-proto generates this for a message without fields
type Empty = {};

function fieldsOfEachKind(of: (part: DeepPartial<Kinds>) => void): void {
  of({ list: [1n], byName: { a: 1n }, byId: new Map([[1n, { amount: 1n }]]), wrapped: 1n, optional: undefined });
  of({ choice: { $case: 'count', value: 1n }, empty: {}, bytes: Buffer.of(1), when: new Date(), wrapped: undefined });
  of({ choice: { $case: 'nothing', value: {} }, json: [1, null, { a: undefined }], struct: { a: ['b', true] } });
  // @ts-expect-error a list of other values
  of({ list: [1] });
  // @ts-expect-error a map of other values
  of({ byName: { a: 1 } });
  // @ts-expect-error an object instead of a Map
  of({ byId: {} });
  // @ts-expect-error a Map of other values
  of({ byId: new Map([[1n, { amount: 1 }]]) });
  // @ts-expect-error a choice of another value
  of({ choice: { $case: 'count', value: 1 } });
  // @ts-expect-error a choice without its value, which would be lost
  of({ choice: { $case: 'count' } });
  // @ts-expect-error a choice that there isn't
  of({ choice: { $case: 'amount', value: 1n } });
  // @ts-expect-error a wrapper's value
  of({ wrapped: 1 });
  // @ts-expect-error undefined for what always has a value
  of({ list: undefined });
  // @ts-expect-error null
  of({ empty: null });
  // @ts-expect-error text for bytes
  of({ bytes: 'text' });
  // @ts-expect-error text for a time
  of({ when: '2026-11-21T00:00:00Z' });
  // @ts-expect-error what JSON doesn't have
  of({ json: { since: new Date() } });
  // @ts-expect-error what JSON doesn't have, in a list
  of({ json: [undefined] });
  // @ts-expect-error a field for a message without fields
  of({ empty: { a: 1 } });
  // @ts-expect-error a function for it
  of({ empty: () => ({}) });
}

function messages(registry: Client<Registry>, of: (part: DeepPartial<Named>) => void): void {
  // @ts-expect-error a field that the message doesn't have, deep inside
  void registry.register({ instance: { metadata: {}, zonne: 'a' } });
  // @ts-expect-error an enum's number that it doesn't have
  void registry.register({ instance: { status: 99 } });
  void registry.register({ instance: { status: InstanceStatus.INSTANCE_STATUS_SERVING } });
  // @ts-expect-error one message for a list
  void registry.register({ instance: { endpoints: { port: 1 } } });
  // @ts-expect-error a list for one message
  void registry.register({ instance: [{ zone: 'a' }] });
  of({ child: { name: 'a' } });
  // @ts-expect-error a function, which has a name
  of({ child: () => ({ name: 'a' }) });
  // @ts-expect-error a list, which has a length
  of({ child: [] });
}

interface Named {
  readonly child: { name: string; length: number } | undefined;
}

/** A received message can be sent on unchanged. */
function proxies(request: RegisterRequest, registry: Client<Registry>): void {
  const instance: DeepPartial<Instance> = {} as Instance;
  const event: DeepPartial<WatchResponse> = {} as WatchResponse;
  const kinds: DeepPartial<Kinds> = {} as Kinds;
  void [registry.register(request), registry.register({ ...request, ttl: undefined }), instance, event, kinds];
}

/** Alternatives in one place: to TypeScript the second value is `{ instances?: never }`. */
function choices(): void {
  const handlers: Partial<Handlers<Registry>> = {
    async *watch() {
      yield { event: { $case: 'snapshot', value: { instances: [{ zone: 'a' }] } } };
      yield { event: { $case: 'progress', value: {} } };
    },
  };
  void handlers;
}

describe('values that a message must refuse', () => {
  it('is checked by the compiler; here nothing runs', () => {
    const uncalled = [integersOf64Bits, integersInReplies, fieldsOfEachKind, messages, proxies, choices];
    for (const one of uncalled) expect(one).toBeInstanceOf(Function);
  });
});
