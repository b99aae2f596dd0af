/** The control of `npm run lab -- xds`: a server of xDS that sends an empty list of endpoints while it knows of none. */
import { AggregatedDiscoveryServiceDefinition, ClusterLoadAssignment } from '@rondo/contracts/rondo/xds/v1/xds';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { clusterOf, listenerOf, TYPES } from '../../services/registry/dist/xds/resources.js';
import { Subscriptions } from '../../services/registry/dist/xds/subscriptions.js';

const DISCOVERY = {
  ...AggregatedDiscoveryServiceDefinition,
  fullName: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
};

/** Starts it with no endpoints. `set` replaces the endpoints of all services by these addresses. */
export async function startEmptyAds() {
  const wakes = new Set();
  let addresses = [];
  const find = (type, name) => {
    if (type === TYPES.listener) return listenerOf(name, [], []);
    if (type === TYPES.cluster) return clusterOf(name, undefined);
    return { typeUrl: type, value: Buffer.from(ClusterLoadAssignment.encode(assignment(name, addresses)).finish()) };
  };
  async function* streamAggregatedResources(requests) {
    const subscriptions = new Subscriptions();
    let wake = () => undefined;
    const wakeUp = () => wake();
    wakes.add(wakeUp);
    const read = async () => {
      for await (const request of requests) {
        subscriptions.apply(request, 0);
        wakeUp();
      }
    };
    read().catch(() => undefined);
    try {
      for (;;) {
        const response = subscriptions.next(find);
        if (response !== undefined) yield response;
        else await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      wakes.delete(wakeUp);
    }
  }
  const discovery = implement(DISCOVERY, { streamAggregatedResources });
  const server = await serve(createRouter({ services: [discovery] }), { listen: '127.0.0.1:0', frames: false });
  return {
    address: server.address,
    set(now) {
      addresses = now;
      for (const wake of wakes) wake();
    },
    stop: () => server.drain(0),
  };
}

function assignment(clusterName, addresses) {
  const lbEndpoints = addresses.map((at) => {
    const { hostname: address, port } = new URL(`http://${at}`);
    return { endpoint: { address: { socketAddress: { address, portValue: Number(port) } } } };
  });
  const locality = {
    locality: { region: 'any', zone: '', subZone: '' },
    lbEndpoints,
    loadBalancingWeight: 1,
    priority: 0,
  };
  return { clusterName, endpoints: addresses.length === 0 ? [] : [locality] };
}
