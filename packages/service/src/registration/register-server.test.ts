import { expect, it } from '@jest/globals';
import { createRouter, serve } from '@rondo/rpc/server';
import { createFakeRegistry } from '../../test/fake-registry.js';
import { recordingLogger } from '../../test/recording-logger.js';
import { registerServer } from './register-server.js';

it('registers a server as one that speaks gRPC alone, and takes it out of the registry', async () => {
  const { fake, services } = createFakeRegistry();
  const registry = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
  const registered = new Promise<void>((resolve) => {
    fake.onRegister = resolve;
  });
  const { log, lines } = recordingLogger();
  const registration = registerServer({
    registry: [registry.address],
    instanceId: 'prices-1',
    address: '10.0.0.7:5000',
    services: ['prices.v1.PriceService'],
    tls: true,
    zone: 'eu/a',
    version: '1.2.3',
    weight: 50,
    logger: log,
  });
  await registered;
  await registration.close();
  expect(fake.registered).toMatchObject([
    {
      instance: {
        instanceId: 'prices-1',
        services: ['prices.v1.PriceService'],
        endpoints: [{ address: '10.0.0.7:5000', protocols: [], security: 2, minPingInterval: undefined }],
        zone: 'eu/a',
        version: '1.2.3',
        weight: 50,
      },
    },
  ]);
  expect(fake.calls.at(-1)).toBe('deregister lease-1');
  expect(lines).toEqual(['info: registered']);
  await registry.drain(0);
});
