import { afterEach, expect, it } from '@jest/globals';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { callerIdentity, type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { SALES, SECRET, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

/** A registry as a process with this SPIFFE id calls it; empty for a process without a certificate. */
function startAs(identity: string) {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void lines.push(message), child: () => log };
  const mayServe = (caller: string, service: string) => caller.endsWith(`/${service.split('.')[0]}`);
  const { app, clock, registry: anyone } = start({}, log, mayServe);
  const channel = createTestChannel({
    services: app.services,
    clock,
    middleware: [
      (call, next) => {
        call.values.set(callerIdentity, identity);
        return next(call);
      },
    ],
  });
  return { registry: createClient(RegistryServiceDefinition, { channel }), anyone, lines };
}

const register = { instance: sales(), ttl: { seconds: 10n, nanos: 0 }, secret: SECRET };

it.each([
  ['its own service', 'spiffe://rondo.test/sales'],
  ['without a certificate any service', ''],
])('a process registers %s', async (_what, identity) => {
  const { registry, lines } = startAs(identity);
  await expect(registry.register(register)).resolves.toMatchObject({ leaseId: expect.anything() });
  expect(lines).toEqual([]);
});

it('a process does not register a service that its certificate may not serve', async () => {
  const { registry, lines } = startAs('spiffe://rondo.test/projects');
  expect(await failureOf(registry.register(register))).toMatchObject({
    code: Status.PERMISSION_DENIED,
    message: expect.stringContaining(`spiffe://rondo.test/projects may not serve ${SALES}`),
  });
  expect(lines).toEqual([expect.stringContaining('the certificate of its process is not for the services')]);
  const { instances } = await registry.listInstances({});
  expect(instances).toEqual([]);
});

it.each([
  ['a person', 'spiffe://rondo.test/person/jo', true],
  ['an operator', 'spiffe://rondo.test/operator/deploy', true],
  ['a service', 'spiffe://rondo.test/sales', false],
  ['a service with a misleading name', 'spiffe://rondo.test/sales/person/jo', false],
])('%s cordons an instance: %s, %s', async (_who, identity, allowed) => {
  const { registry, anyone } = startAs(identity);
  await anyone.register(register);
  const cordon = registry.setOperatorState({
    instanceId: 'sales-1',
    state: OperatorState.OPERATOR_STATE_CORDONED,
    reason: '',
  });
  if (allowed) await expect(cordon).resolves.toBeDefined();
  else expect(await failureOf(cordon)).toMatchObject({ code: Status.PERMISSION_DENIED });
});
