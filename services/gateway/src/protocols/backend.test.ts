import { describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition, AddRequest, AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { CallContext, Metadata, silentLogger } from '@rondo/rpc/call';
import { fixedEndpoint } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { type createForwarder, type Method, methodsOf } from '@rondo/rpc/internal';
import { createRouter, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { type BackendCall, createBackend } from './backend.js';

const METHODS = [...methodsOf(ConformanceServiceDefinition).values(), ...methodsOf(AdderServiceDefinition).values()];

function methodNamed(name: string): Method {
  const method = METHODS.find((one) => one.name === name);
  if (method === undefined) throw new Error(`no method is named ${name}`);
  return method;
}

const reply = { stream: false, message: new Uint8Array() } as const;

/** A backend that answers `AdderService` itself. It records what it passes on. */
function make() {
  const forwarded: Parameters<ReturnType<typeof createForwarder>>[0][] = [];
  const add = implement(AdderServiceDefinition, {
    add({ a, b }) {
      if (a === 0n) throw new RpcError(Status.INVALID_ARGUMENT, 'a: must not be 0');
      return { result: a + b };
    },
  });
  const backend = createBackend({
    forward: async (call) => {
      forwarded.push(call);
      return { header: new Metadata(), trailer: new Metadata(), response: reply, from: fixedEndpoint('a:1') };
    },
    local: createRouter({ services: [add] }),
    instancesOf: () => 1,
    isAddress: () => false,
    clock: systemClock,
    log: silentLogger,
  });
  const call = (name: string, fields: Partial<Omit<BackendCall, 'target'>> = {}) =>
    backend({
      target: { method: methodNamed(name) },
      metadata: new Metadata(),
      timeoutMs: undefined,
      context: new CallContext(),
      request: reply,
      ...fields,
    });
  return { call, forwarded };
}

describe('the limit of a call', () => {
  it.each([
    [
      'a unary call without a limit of its caller or its contract',
      'UnaryUnsafe',
      { timeoutMs: undefined, limitMs: 10_000 },
    ],
    ['a unary call whose caller sets a limit', 'UnaryUnsafe', { timeoutMs: 60_000, limitMs: undefined }],
    ["a call whose contract sets one, whatever its caller's", 'Unary', { timeoutMs: 60_000, limitMs: 6_000 }],
    ['a stream', 'ServerStream', { timeoutMs: undefined, limitMs: undefined }],
  ])('of %s', async (_which, name, limits) => {
    const { call, forwarded } = make();
    await call(name, { timeoutMs: limits.timeoutMs });
    expect(forwarded).toMatchObject([limits]);
  });
});

describe('the log of failures', () => {
  it('has a sample of those that a client can cause, and a count of the others', async () => {
    let now = 0;
    const lines: unknown[] = [];
    const backend = createBackend({
      forward: () => Promise.reject(new Error('secret')),
      local: createRouter({ services: [] }),
      instancesOf: () => 1,
      isAddress: () => false,
      clock: { ...systemClock, now: () => now },
      log: { ...silentLogger, error: (...line) => void lines.push(line) },
    });
    const target = { method: methodNamed('Unary') };
    const fail = () =>
      failureOf(
        backend({ target, metadata: new Metadata(), timeoutMs: 1, context: new CallContext(), request: reply }),
      );
    for (let call = 0; call < 12; call += 1) expect(await fail()).toMatchObject({ message: 'internal error' });
    expect(lines).toHaveLength(10);
    now = 1_000;
    await fail();
    expect(lines.at(-1)).toEqual([expect.objectContaining({ leftOut: 2 }), 'a call could not be passed on']);
  });
});

describe('a method that the gateway serves', () => {
  it('is answered here, from no instance', async () => {
    const { call, forwarded } = make();
    const request = () => ({ stream: false as const, message: AddRequest.encode({ a: 2n, b: 3n }).finish() });
    const { response, from } = await call('Add', { request });
    expect(response.stream ? undefined : AddResponse.decode(response.message)).toEqual({ result: 5n });
    expect(from).toBeUndefined();
    expect(forwarded).toEqual([]);
  });

  it('fails with its own words', async () => {
    const { call } = make();
    const message = 'a: must not be 0';
    expect(await failureOf(call('Add'))).toMatchObject({ code: Status.INVALID_ARGUMENT, message });
    expect(await failureOf(call('Add', { request: () => undefined }))).toMatchObject({ code: Status.UNIMPLEMENTED });
  });

  it('has the deadline of its caller', async () => {
    const { call } = make();
    expect(await failureOf(call('Add', { timeoutMs: 0 }))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  });
});
