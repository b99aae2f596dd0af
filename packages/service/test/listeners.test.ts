import { afterEach, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createClient } from '@rondo/rpc/client';
import type { AppListener } from '@rondo/rpc/server';
import { StartupError } from '../src/exports/index.js';
import type { Phase } from '../src/state.js';
import { listenerAt, portOf } from './app-listener.js';
import { closeAll, dial, start, startFakeRegistry, starting } from './started.js';

afterEach(closeAll);

it('a listener starts after the gRPC server and before the registration, and drains with the same grace', async () => {
  const { fake, address } = await startFakeRegistry();
  const listener = listenerAt(0);
  let registeredBefore = -1;
  const slow: AppListener = {
    ...listener,
    async listen() {
      const bound = await listener.listen();
      // A registration that had begun would arrive meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 100));
      registeredBefore = fake.registered.length;
      return bound;
    },
  };
  const { service, lines } = await start({ environment: { RONDO_REGISTRY: address }, app: { listeners: [slow] } });
  expect(registeredBefore).toBe(0);
  expect(service.listenerAddresses).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  expect(lines.filter((line) => line.includes('listening on'))).toEqual([
    expect.stringContaining(`listening on ${service.address}`),
    expect.stringContaining(`also listening on ${service.listenerAddresses[0]}`),
  ]);
  await service.drain();
  expect(listener.steps).toEqual(['listen', 'drain 200']);
});

it('a listener that can not bind ends the start, names its variable, and everything else is closed', async () => {
  const { service } = await start({ app: { listeners: [listenerAt(0)] } });
  const [first, second] = [listenerAt(0), listenerAt(portOf(service.listenerAddresses[0]))];
  const { started, lines } = starting({ app: { listeners: [first, second] } });
  await expect(started).rejects.toThrow(StartupError);
  await expect(started).rejects.toThrow(
    'the port is in use; stop what holds it, or set PUBLIC_LISTEN to another address',
  );
  expect(first.steps).toEqual(['listen', 'drain 0']);
  expect(second.steps).toEqual(['listen']);
  const address = /listening on (\S+)/.exec(lines.join('\n'))?.[1] ?? '';
  const client = createClient(AdderServiceDefinition, { channel: dial(address) });
  await expect(client.add({ a: 1n })).rejects.toThrow();
});

it('the app sees the readiness of its process: starting, serving, draining', async () => {
  const phases: Phase[] = [];
  const { started } = starting({
    onContext({ readiness }) {
      phases.push(readiness.current.phase);
      readiness.subscribe(({ phase }) => phases.push(phase));
    },
  });
  await (await started).drain();
  expect([...new Set(phases)]).toEqual(['starting', 'serving', 'draining']);
});
