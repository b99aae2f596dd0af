import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { GatewayServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/gateway';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { methodsOf } from '@rondo/rpc/internal';
import { createTestChannel } from '@rondo/rpc/testing';
import type { PublicService } from './discovery/catalogue.js';
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

it('lists what the gateway offers, by name, with instances, methods and routes', async () => {
  const services = [offered(RegistryServiceDefinition, 3), offered(GatewayServiceDefinition, 1)];
  const routesOf = ({ desc: { name } }: { readonly desc: { readonly name: string } }) => ({
    routes: [`GET /v1/${name}`],
    disabledRoutes: [],
  });
  const channel = createTestChannel({ services: [gatewayService({ services }, routesOf)] });
  const listed = await createClient(GatewayServiceDefinition, { channel }).listExposedServices({});
  channel.close();
  expect(listed.services.map(({ name, instances }) => [name, instances])).toEqual([
    ['rondo.gateway.v1.GatewayService', 1],
    ['rondo.registry.v1.RegistryService', 3],
  ]);
  expect(listed.services[0]?.methods).toEqual([
    { name: 'ListExposedServices', routes: ['GET /v1/ListExposedServices'], disabledRoutes: [] },
  ]);
});
