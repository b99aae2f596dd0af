import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { GatewayServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/gateway';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { methodsOf } from '@rondo/rpc/internal';
import { createTestChannel } from '@rondo/rpc/testing';
import { parseTemplate } from '@rondo/schema/http';
import type { PublicMethod, PublicService, Route } from './discovery/catalogue.js';
import { gatewayService } from './gateway-service.js';

const descriptors = new URL('../../../packages/contracts/descriptors.binpb', import.meta.url);
const types = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

/** A service as the catalogue has it. */
function offered(definition: Parameters<typeof methodsOf>[0], instances: number): PublicService {
  const desc = types.getService(definition.fullName);
  if (desc === undefined) throw new Error(`no ${definition.fullName}`);
  const methods = [...methodsOf(definition).values()].flatMap((method) =>
    desc.methods
      .filter(({ name }) => name === method.name)
      .map((one) => ({ method, desc: one, descAt: () => one, types, int64AsNumber: false })),
  );
  return { name: desc.typeName, desc, methods, bindings: [], instances };
}

function route(target: PublicMethod, verb: string, takenBy?: string): Route {
  const template = parseTemplate('/v1/things');
  return { target, binding: { verb, template, body: '', responseBody: '' }, takenBy };
}

it('lists what the gateway offers, with instances, methods and routes', async () => {
  const gateway = offered(GatewayServiceDefinition, 1);
  const services = [gateway, offered(RegistryServiceDefinition, 3)];
  const routes = gateway.methods.flatMap((method) => [route(method, 'GET'), route(method, 'POST', '/a.B/C')]);
  const channel = createTestChannel({ services: [gatewayService({ services, routes })] });
  const listed = await createClient(GatewayServiceDefinition, { channel }).listExposedServices({});
  channel.close();
  expect(listed.services.map(({ name, instances }) => [name, instances])).toEqual([
    ['rondo.gateway.v1.GatewayService', 1],
    ['rondo.registry.v1.RegistryService', 3],
  ]);
  expect(listed.services[0]?.methods).toEqual([
    {
      name: 'ListExposedServices',
      routes: ['GET /v1/things'],
      disabledRoutes: ['POST /v1/things: /a.B/C has the same'],
    },
  ]);
  expect(listed.services[1]?.methods[0]).toMatchObject({ routes: [], disabledRoutes: [] });
});
