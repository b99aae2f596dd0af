import { describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import type { Principal } from '../call/values.js';
import { callPrincipal } from '../call/values.js';
import { createClient } from '../client/create-client.js';
import { Status } from '../status/code.js';
import { failureOf } from '../testing/failure-of.js';
import { createTestChannel, standIn, type TestChannelOptions } from '../testing/test-channel.js';
import { implement } from './handlers.js';

const FRONT = 'spiffe://example.org/front';
const ada: Principal = { subject: 'ada', issuer: 'test', scopes: ['secured.read', 'secured.write'], actors: [] };
const bob: Principal = { ...ada, subject: 'bob', scopes: ['secured.read'] };

/** A client of a service that is called by the process `identity`. `decoded` counts the requests that were read. */
function setUp({ identity, authorize = true, auth }: Pick<TestChannelOptions, 'identity' | 'authorize' | 'auth'> = {}) {
  let handled = 0;
  const answer = (call: { readonly values: { get(key: typeof callPrincipal): Principal | undefined } }) => {
    handled += 1;
    return call.values.get(callPrincipal)?.subject ?? '';
  };
  const secured = implement(SecuredServiceDefinition, {
    open: (_, call) => ({ subject: answer(call) }),
    read: (_, call) => ({ subject: answer(call) }),
    pass: (_, call) => ({ caller: answer(call) }),
    write: (_, call) => ({ subject: answer(call) }),
    async *follow(_, call) {
      yield { subject: answer(call) };
    },
  });
  const keyed = standIn(KeyedServiceDefinition, { createEntry: () => ({}) });
  const channel = createTestChannel({ services: [secured, keyed], authorize, identity, ...(auth && { auth }) });
  return {
    client: createClient(SecuredServiceDefinition, { channel }),
    keyed: createClient(KeyedServiceDefinition, { channel }),
    handled: () => handled,
    [Symbol.dispose]: () => channel.close(),
  };
}

type Client = ReturnType<typeof setUp>['client'];
const calls: Readonly<Record<string, (client: Client, principal?: Principal) => Promise<unknown>>> = {
  open: (client, principal) => client.open({}, { principal }),
  read: (client, principal) => client.read({}, { principal }),
  pass: (client, principal) => client.pass({}, { principal }),
  write: (client, principal) => client.write({}, { principal }),
  follow: async (client, principal) => {
    for await (const { subject } of client.follow({}, { principal })) return { subject };
    return undefined;
  },
};

describe('a call that its contract allows', () => {
  it.each<readonly [name: string, identity: string | undefined, principal: Principal | undefined]>([
    ['open', undefined, undefined],
    ['read', undefined, bob],
    ['read', FRONT, ada],
    ['pass', FRONT, undefined],
    ['write', FRONT, ada],
    ['follow', undefined, bob],
  ])('%s from %s', async (name, identity, principal) => {
    using test = setUp({ ...(identity !== undefined && { identity }) });
    await calls[name]?.(test.client, principal);
    expect(test.handled()).toBe(1);
  });
});

type From = readonly [identity: string | undefined, principal: Principal | undefined];

describe('a call that its contract does not allow', () => {
  const { PERMISSION_DENIED, UNAUTHENTICATED } = Status;
  it.each<readonly [name: string, from: From, expected: readonly [Status, reason: string, text: string]]>([
    ['read', [FRONT, undefined], [UNAUTHENTICATED, 'AUTH_PRINCIPAL_MISSING', 'needs the scope secured.read']],
    [
      'read',
      [FRONT, { ...ada, scopes: [] }],
      [PERMISSION_DENIED, 'AUTH_SCOPE_MISSING', 'ada lacks the scope secured.read'],
    ],
    ['read', [FRONT, { ...ada, scopes: ['secured.reader'] }], [PERMISSION_DENIED, 'AUTH_SCOPE_MISSING', 'lacks']],
    [
      'pass',
      [undefined, ada],
      [PERMISSION_DENIED, 'AUTH_CALLER_REFUSED', 'a caller without a certificate may not call'],
    ],
    ['pass', ['spiffe://example.org/back', ada], [PERMISSION_DENIED, 'AUTH_CALLER_REFUSED', 'which is for front']],
    ['pass', ['spiffe://example.org/x/front', ada], [PERMISSION_DENIED, 'AUTH_CALLER_REFUSED', 'may not call']],
    ['write', ['spiffe://example.org/back', ada], [PERMISSION_DENIED, 'AUTH_CALLER_REFUSED', 'may not call']],
    ['write', [FRONT, undefined], [UNAUTHENTICATED, 'AUTH_PRINCIPAL_MISSING', 'secured.read secured.write']],
    ['write', [FRONT, bob], [PERMISSION_DENIED, 'AUTH_SCOPE_MISSING', 'bob lacks the scope secured.write']],
    ['follow', [FRONT, undefined], [UNAUTHENTICATED, 'AUTH_PRINCIPAL_MISSING', 'needs the scope']],
  ])('%s from %j', async (name, [identity, principal], [code, reason, text]) => {
    using test = setUp({ ...(identity !== undefined && { identity }) });
    const error = await failureOf(calls[name]?.(test.client, principal) ?? Promise.resolve());
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.detail(ErrorInfo)).toMatchObject({ reason, domain: 'rondo' });
    expect(test.handled()).toBe(0);
  });

  it('is one of a method without a rule', async () => {
    using test = setUp({ identity: FRONT });
    const error = await failureOf(test.keyed.createEntry({ requestId: 'a' }, { principal: ada }));
    expect(error.code).toBe(PERMISSION_DENIED);
    expect(error.message).toContain('/rondo.conformance.v1.KeyedService/CreateEntry has no auth in its contract');
  });

  it.each([
    ['grpc.orders.v1.OrderService', PERMISSION_DENIED],
    ['xds.orders.v1.OrderService', PERMISSION_DENIED],
    ['grpc.health.v1.Health', undefined],
    ['xds.service.orca.v3.OpenRcaService', undefined],
  ])('is one without a rule of %s: %s', async (fullName, code) => {
    const named = { ...KeyedServiceDefinition, fullName };
    const channel = createTestChannel({ services: [standIn(named, { createEntry: () => ({}) })], authorize: true });
    const ended = createClient(named, { channel })
      .createEntry({ requestId: 'a' })
      .then(
        () => undefined,
        (error: { code: Status }) => error.code,
      );
    expect(await ended).toBe(code);
    channel.close();
  });

  it('is one that the rule of its service refuses, where the contract has none', async () => {
    const auth = { [KeyedServiceDefinition.fullName]: { scopes: ['secured.write'], callers: [] } };
    using test = setUp({ auth });
    const error = await failureOf(test.keyed.createEntry({ requestId: 'a' }, { principal: bob }));
    expect(error.message).toContain('bob lacks the scope secured.write');
    await test.keyed.createEntry({ requestId: 'b' }, { principal: ada });
    using open = setUp({ auth: { [KeyedServiceDefinition.fullName]: 'public' } });
    await open.keyed.createEntry({ requestId: 'c' });
  });

  it('is served while security is off', async () => {
    using test = setUp({ authorize: false });
    for (const call of Object.values(calls)) await call(test.client);
    expect(test.handled()).toBe(5);
  });
});
