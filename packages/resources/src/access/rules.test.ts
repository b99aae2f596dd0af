import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf, standIn } from '@rondo/rpc/testing';
import { createRules, type RulesByPath, rulesOf } from './rules.js';

const refusal = new Error('not yours');
const service = standIn(ConformanceServiceDefinition, { unary: ({ text }) => ({ text }) });
const ada = { subject: 'ada', issuer: 'test', scopes: [], actors: [] };

function clientOf(rules: RulesByPath, principal?: typeof ada) {
  const identified: Middleware<ServerCall> = (call, next) => {
    if (principal !== undefined) call.values.set(callPrincipal, principal);
    return next(call);
  };
  const toRpcError = (error: unknown) => new RpcError(Status.PERMISSION_DENIED, 'refused', { cause: error as Error });
  const middleware = [identified, createRules({ rules: [rules], toRpcError })];
  return createClient(ConformanceServiceDefinition, {
    channel: createTestChannel({ services: [service], middleware }),
  });
}

const path = '/rondo.conformance.v1.ConformanceService/Unary';
const onlyHello: RulesByPath = [
  [
    path,
    ({ text }: { readonly text: string }) => {
      if (text !== 'hello') throw refusal;
    },
  ],
];

it('asks the rule of a method about each call with a principal', async () => {
  const client = clientOf(onlyHello, ada);
  expect(await client.unary({ text: 'hello' })).toMatchObject({ text: 'hello' });
  expect((await failureOf(client.unary({ text: 'bye' }))).codeName).toBe('PERMISSION_DENIED');
});

it('asks no rule about a call without a principal', async () => {
  expect(await clientOf(onlyHello).unary({ text: 'bye' })).toMatchObject({ text: 'bye' });
});

it('lets no method without a rule into a service', () => {
  const none: object = {};
  expect(() => rulesOf(ConformanceServiceDefinition, none as never)).toThrow(/has no rule: add "/);
});

it('fails a method of the package that no rules name, as its service was forgotten', async () => {
  const client = clientOf(onlyHello, ada);
  expect((await failureOf(client.unaryUnsafe({}))).codeName).toBe('INTERNAL');
});
