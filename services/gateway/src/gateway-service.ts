import {
  type ExposedMethod,
  type ExposedService,
  GatewayServiceDefinition,
} from '@rondo/contracts/rondo/gateway/v1/gateway';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Catalogue, PublicMethod, PublicService, Route } from './discovery/catalogue.js';

/** Implements the contract by which operators ask what the gateway offers. */
export function gatewayService(catalogue: Pick<Catalogue, 'services' | 'routes'>): ServiceImplementation {
  return implement(GatewayServiceDefinition, {
    listExposedServices: () => ({
      services: catalogue.services.map((service) => toExposed(service, catalogue.routes)),
    }),
  });
}

function toExposed({ name, methods, instances }: PublicService, routes: readonly Route[]): ExposedService {
  return { name, instances, methods: methods.map((method) => toExposedMethod(method, routes)) };
}

function toExposedMethod(target: PublicMethod, routes: readonly Route[]): ExposedMethod {
  const own = routes.filter((route) => route.target === target);
  return {
    name: target.desc.name,
    routes: own.filter(({ takenBy }) => takenBy === undefined).map(textOf),
    disabledRoutes: own.flatMap((route) =>
      route.takenBy === undefined ? [] : [`${textOf(route)}: ${route.takenBy} has the same`],
    ),
  };
}

const textOf = ({ binding: { verb, template } }: Route) => `${verb} ${template.text}`;
