import { expect, it } from '@jest/globals';
import { GatewayServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/gateway';
import { createClient } from '@rondo/rpc/client';
import { createTestChannel } from '@rondo/rpc/testing';
import { catalogueOf, wellKnownFiles } from '../test/support/catalogues.js';
import { fileOf, get } from '../test/support/files.js';
import { gatewayService } from './gateway-service.js';

it('lists what the gateway offers, with instances, methods and routes', async () => {
  const things = { rule: get('/v1/things') };
  const catalogue = catalogueOf([
    ...wellKnownFiles,
    fileOf('a.v1.A', { Get: things }),
    fileOf('b.v1.B', { Get: things, Put: {} }),
  ]);
  const channel = createTestChannel({ services: [gatewayService(catalogue)] });
  const { services } = await createClient(GatewayServiceDefinition, { channel }).listExposedServices({});
  channel.close();
  const method = (name: string, routes: readonly string[], disabledRoutes: readonly string[] = []) => {
    return { name, routes, disabledRoutes };
  };
  expect(services).toEqual([
    { name: 'a.v1.A', instances: 1, methods: [method('Get', ['GET /v1/things'])] },
    {
      name: 'b.v1.B',
      instances: 1,
      methods: [method('Get', [], ['GET /v1/things: /a.v1.A/Get has the same']), method('Put', [])],
    },
  ]);
});
