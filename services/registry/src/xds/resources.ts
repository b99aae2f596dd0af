import type { Any } from '@rondo/contracts/google/protobuf/any';
import {
  CertificateProviderPluginInstance,
  ClusterLoadAssignment,
  Cluster as ClusterMessage,
  Cluster_DiscoveryType as DiscoveryType,
  HttpConnectionManager,
  Listener,
  type Route,
  type RouteAction,
  type TransportSocket,
  UpstreamTlsContext,
} from '@rondo/contracts/rondo/xds/v1/xds';
import { toDuration } from '../rpc/messages.js';
import { type Cluster, WHOLE } from './clusters.js';
import { assignmentOf, type ClientKind } from './endpoints.js';
import type { MethodPolicy } from './policies.js';

/** The types of resources that the registry sends, in the order in which a client uses them. */
export const TYPES = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
} as const;

/** A type of resource, as clients name it. */
export type ResourceType = (typeof TYPES)[keyof typeof TYPES];

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

/** The name of the certificate provider in the client's bootstrap file, and the key of the node's metadata that has it. */
export const CERTIFICATES = { name: 'rondo', metadata: 'rondo_certificates' } as const;

/** A service by its name, with its routes: one for each method that has a policy, then one for all. */
export function listenerOf(service: string, clusters: readonly Cluster[], policies: readonly MethodPolicy[]): Any {
  const to = destination(service, clusters);
  const own = policies.map((policy): Route => {
    return { match: { pathSpecifier: { $case: 'path', value: policy.path } }, route: actionOf(to, policy) };
  });
  const rest: Route = { match: { pathSpecifier: { $case: 'prefix', value: '' } }, route: actionOf(to, undefined) };
  const manager = HttpConnectionManager.fromPartial({
    routeConfig: { name: service, virtualHosts: [{ name: service, domains: ['*'], routes: [...own, rest] }] },
    httpFilters: [{ name: 'envoy.filters.http.router', typedConfig: { typeUrl: ROUTER } }],
  });
  const apiListener = { apiListener: any(HCM, HttpConnectionManager.encode(manager).finish()) };
  return any(TYPES.listener, Listener.encode({ name: service, apiListener }).finish());
}

/** A client waits for the instances of a service that has none. */
function destination(service: string, clusters: readonly Cluster[]): RouteAction['clusterSpecifier'] {
  const [first, ...others] = clusters;
  if (others.length === 0) return { $case: 'cluster', value: first?.name ?? service };
  const weighted = clusters.map(({ name, weight }) => ({ name, weight }));
  return { $case: 'weightedClusters', value: { clusters: weighted, totalWeight: WHOLE } };
}

function actionOf(clusterSpecifier: RouteAction['clusterSpecifier'], policy: MethodPolicy | undefined): RouteAction {
  const { timeoutMs, retry } = policy ?? {};
  return {
    clusterSpecifier,
    maxStreamDuration: timeoutMs === undefined ? undefined : { maxStreamDuration: toDuration(timeoutMs) },
    retryPolicy: retry && {
      retryOn: retry.on.join(','),
      numRetries: retry.retries,
      retryBackOff: { baseInterval: toDuration(retry.initialMs), maxInterval: toDuration(retry.maxMs) },
    },
  };
}

/** Clients refuse calls above 1,024 in flight by default, which they have at once while an instance is frozen. Some read it as a signed integer. */
const UNLIMITED = 2 ** 31 - 1;

/**
 * A cluster, whose policy is round robin, Envoy's default.
 *
 * @param identities the SPIFFE ids of which an instance must have one; undefined for connections without TLS.
 */
export function clusterOf(name: string, identities: readonly string[] | undefined): Any {
  const cluster: ClusterMessage = {
    name,
    type: DiscoveryType.DISCOVERY_TYPE_EDS,
    edsClusterConfig: { edsConfig: { ads: {} } },
    circuitBreakers: { thresholds: [{ maxRequests: UNLIMITED }] },
    transportSocket: identities && tlsSocket(identities),
  };
  return any(TYPES.cluster, ClusterMessage.encode(cluster).finish());
}

function tlsSocket(identities: readonly string[]): TransportSocket {
  const provider = CertificateProviderPluginInstance.fromPartial({ instanceName: CERTIFICATES.name });
  const context = UpstreamTlsContext.fromPartial({
    commonTlsContext: {
      tlsCertificateProviderInstance: provider,
      validationContext: {
        caCertificateProviderInstance: provider,
        matchSubjectAltNames: identities.map((exact) => ({ exact })),
      },
    },
  });
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(TLS, UpstreamTlsContext.encode(context).finish()) };
}

/** The endpoints of a cluster; undefined instead of an empty list, after which some clients fail all calls for seconds. */
export function endpointsOf({ name, instances }: Cluster, client: ClientKind): Any | undefined {
  const assignment = assignmentOf(name, instances, client);
  return assignment && any(TYPES.endpoints, ClusterLoadAssignment.encode(assignment).finish());
}

const any = (typeUrl: string, value: Uint8Array): Any => ({ typeUrl, value: Buffer.from(value) });
