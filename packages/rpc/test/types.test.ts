/**
 * What doesn't compile. `tsc --project tsconfig.tests.json` checks this file: a line under `@ts-expect-error` that
 * compiles is an error there. Nothing of it is ever called.
 */
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type ContextKey, createContextKey, type ServerCall } from '../src/exports/call.js';
import type { Client } from '../src/exports/client.js';
import { type Handlers, implement } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { conformance } from './conformance/handlers.js';
import { streamOf } from './support/stream.js';

type Definition = typeof ConformanceServiceDefinition;
const handlers = { ...conformance, unimplemented: async () => ({}) };

function callers(client: Client<Definition>): void {
  void client.unary({});
  void client.unary({ text: 'any part of the message will do' }, { timeoutMs: 5, metadata: { a: 'b' } });
  void client.clientStream(streamOf({ text: 'a' }));
  // @ts-expect-error a field that the message doesn't have
  void client.unary({ txet: 'misspelt' });
  // @ts-expect-error a field of another type
  void client.unary({ text: 5 });
  void client.unary({ behaviour: { delay: { seconds: 1n } } });
  // @ts-expect-error a field of another type, deep inside
  void client.unary({ behaviour: { delay: { seconds: true } } });
  // @ts-expect-error a request is missing
  void client.unary();
  // @ts-expect-error a method that the service doesn't have
  void client.multiply({});
  // @ts-expect-error one message instead of a stream
  void client.clientStream({ text: 'a' });
  // @ts-expect-error a stream instead of one message
  void client.serverStream(streamOf({ count: 1 }));
  // @ts-expect-error a stream of other messages
  void client.bidiStream(streamOf({ count: 1 }));
  // @ts-expect-error an option that doesn't exist
  void client.unary({}, { timeout: 5 });
}

async function readers(client: Client<Definition>): Promise<void> {
  const { text } = await client.unary({});
  text.toUpperCase();
  // @ts-expect-error a reply is what its contract says
  text.toFixed();
  // @ts-expect-error a stream is no promise
  await client.serverStream({}).then();
  // @ts-expect-error one reply is no stream
  for await (const _reply of client.unary({})) break;
}

function servers(): void {
  implement(ConformanceServiceDefinition, handlers);
  implement(ConformanceServiceDefinition, { ...handlers, unary: () => ({ text: 'a promise is not needed' }) });
  // @ts-expect-error a method is missing
  implement(ConformanceServiceDefinition, conformance);
  // @ts-expect-error a reply of another type
  implement(ConformanceServiceDefinition, { ...handlers, unary: async () => ({ text: 5 }) });
  // @ts-expect-error one message instead of a stream
  implement(ConformanceServiceDefinition, { ...handlers, serverStream: async () => ({ index: 1 }) });
  // @ts-expect-error a stream instead of one message
  implement(ConformanceServiceDefinition, { ...handlers, unary: async function* () {} });
  const otherReplies = () => streamOf({ text: 5 });
  // @ts-expect-error a stream of other messages
  implement(ConformanceServiceDefinition, { ...handlers, bidiStream: otherReplies });

  const reading: Pick<Handlers<Definition>, 'unary' | 'clientStream'> = {
    unary: ({ text }, call) => {
      // @ts-expect-error a deadline may be missing
      call.deadline.getTime();
      // @ts-expect-error a request is the whole message of its contract
      return { text: text.toFixed() };
    },
    // @ts-expect-error requests come as a stream
    clientStream: async ({ text }) => ({ texts: [text] }),
  };
  void reading;
}

const user = createContextKey<{ name: string } | undefined>(undefined, { description: 'user' });
const tries = createContextKey(3);

function context({ values }: ServerCall): void {
  values
    .set(user, { name: 'Ada' })
    .set(tries, values.get(tries) + 1)
    .delete(user);
  values.get(user)?.name.trim();
  // @ts-expect-error a value may be missing
  values.get(user).name.trim();
  // @ts-expect-error a value of another type
  values.set(tries, '3');
  // @ts-expect-error a member that the value doesn't have
  values.set(user, { name: 'Ada', nmae: 'Ada' });
  // @ts-expect-error what isn't a key
  values.get('user');
  // @ts-expect-error a key of a wider type, by which another value could be set
  const wider: ContextKey<unknown> = tries;
  void wider;
}

async function limits(call: ServerCall): Promise<void> {
  await fetch('http://localhost', { signal: call.signal });
  call.deadline?.toISOString();
  call.callerDeadline?.toISOString();
  // @ts-expect-error a date, and no number of a clock
  call.deadline?.toFixed();
}

function errors(): void {
  void new RpcError(Status.NOT_FOUND, 'text');
  // @ts-expect-error a code that gRPC doesn't have
  void new RpcError(99, 'text');
  // @ts-expect-error a name that gRPC doesn't have
  void Status.MISSING;
}

describe('what must not compile', () => {
  it('is checked by the compiler; here nothing runs', () => {
    const uncalled = [callers, readers, servers, context, limits, errors];
    for (const one of uncalled) expect(one).toBeInstanceOf(Function);
  });
});
