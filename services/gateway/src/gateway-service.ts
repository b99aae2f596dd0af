import {
  type ExposedMethod,
  type ExposedService,
  GatewayServiceDefinition,
} from '@rondo/contracts/rondo/gateway/v1/gateway';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Catalogue, PublicMethod, PublicService } from './discovery/catalogue.js';

/** The HTTP/JSON routes of a method, such as `POST /v1/orders`, and those that are switched off, each with the reason. */
export type Routes = Pick<ExposedMethod, 'routes' | 'disabledRoutes'>;

/** Implements the contract by which operators ask what the gateway offers. */
export function gatewayService(
  catalogue: Pick<Catalogue, 'services'>,
  routesOf: (method: PublicMethod) => Routes,
): ServiceImplementation {
  return implement(GatewayServiceDefinition, {
    listExposedServices: () => ({
      services: catalogue.services.map((service) => toExposed(service, routesOf)).sort(byName),
    }),
  });
}

function toExposed(
  { name, methods, instances }: PublicService,
  routesOf: (method: PublicMethod) => Routes,
): ExposedService {
  return { name, instances, methods: methods.map((method) => ({ name: method.desc.name, ...routesOf(method) })) };
}

const byName = (one: ExposedService, other: ExposedService) => (one.name < other.name ? -1 : 1);
