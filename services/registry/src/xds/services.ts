import { AggregatedDiscoveryServiceDefinition, XdsStatusServiceDefinition } from '@rondo/contracts/rondo/xds/v1/xds';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { XdsOptions, XdsServer } from './server.js';

/** The discovery service, named as Envoy's, by which clients call it. */
const DISCOVERY = {
  ...AggregatedDiscoveryServiceDefinition,
  fullName: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
};

/** The services of xDS. What answers them is loaded with the first client. */
export function xdsServices(options: XdsOptions) {
  let loaded: Promise<XdsServer> | undefined;
  const load = () => {
    loaded ??= import('./server.js').then(({ XdsServer: Server }) => new Server(options));
    return loaded;
  };
  const discovery = implement(DISCOVERY, {
    async *streamAggregatedResources(requests, call) {
      yield* (await load()).serve(requests, call);
    },
  });
  const status = implement(XdsStatusServiceDefinition, {
    listRefusals: async () => ({ refusals: [...((await loaded)?.refusals ?? [])] }),
  });
  return { discovery, status } satisfies Record<string, ServiceImplementation>;
}
