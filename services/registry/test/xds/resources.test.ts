import { describe, expect, it } from '@jest/globals';
import {
  Cluster,
  HttpConnectionManager,
  Listener,
  type Route,
  UpstreamTlsContext,
} from '@rondo/contracts/rondo/xds/v1/xds';
import type { MethodPolicy } from '../../src/xds/policies.js';
import { clusterOf, listenerOf } from '../../src/xds/resources.js';

const SALES = 'sales.v1.OrderService';

/** The routes of a listener, in their order. */
function routes(policies: readonly MethodPolicy[]): readonly Route[] {
  const { apiListener } = Listener.decode(listenerOf(SALES, [], policies).value);
  const manager = HttpConnectionManager.decode(apiListener?.apiListener?.value ?? Buffer.of());
  return manager.routeConfig?.virtualHosts[0]?.routes ?? [];
}

describe('the listener of a service', () => {
  it('has a route by its path for each method with a policy, then one for all others', () => {
    const retry = { on: ['unavailable', 'internal'], retries: 2, initialMs: 10, maxMs: 1_500 };
    const found = routes([
      { path: `/${SALES}/Get`, timeoutMs: 2_500, retry },
      { path: `/${SALES}/Watch`, timeoutMs: undefined, retry },
    ]);
    const cluster = { $case: 'cluster', value: SALES };
    const retryPolicy = {
      retryOn: 'unavailable,internal',
      numRetries: 2,
      retryBackOff: {
        baseInterval: { seconds: 0n, nanos: 10_000_000 },
        maxInterval: { seconds: 1n, nanos: 500_000_000 },
      },
    };
    const maxStreamDuration = { maxStreamDuration: { seconds: 2n, nanos: 500_000_000 } };
    expect(found).toEqual([
      {
        match: { pathSpecifier: { $case: 'path', value: `/${SALES}/Get` } },
        route: { clusterSpecifier: cluster, retryPolicy, maxStreamDuration },
      },
      {
        match: { pathSpecifier: { $case: 'path', value: `/${SALES}/Watch` } },
        route: { clusterSpecifier: cluster, retryPolicy, maxStreamDuration: undefined },
      },
      {
        match: { pathSpecifier: { $case: 'prefix', value: '' } },
        route: { clusterSpecifier: cluster, retryPolicy: undefined, maxStreamDuration: undefined },
      },
    ]);
  });
});

describe('a cluster', () => {
  it('has no limit of calls in flight, where clients have one of 1,024 by default', () => {
    const { circuitBreakers } = Cluster.decode(clusterOf(SALES, undefined).value);
    expect(circuitBreakers).toEqual({ thresholds: [{ maxRequests: 2_147_483_647 }] });
  });

  it('has TLS only for a client with a certificate, and names who may serve', () => {
    expect(Cluster.decode(clusterOf(SALES, undefined).value).transportSocket).toBeUndefined();
    const { transportSocket } = Cluster.decode(clusterOf(SALES, ['spiffe://rondo.local/sales']).value);
    const { commonTlsContext } = UpstreamTlsContext.decode(transportSocket?.typedConfig?.value ?? Buffer.of());
    const provider = { instanceName: 'rondo' };
    expect(commonTlsContext).toEqual({
      tlsCertificateProviderInstance: provider,
      validationContext: {
        caCertificateProviderInstance: provider,
        matchSubjectAltNames: [{ exact: 'spiffe://rondo.local/sales' }],
      },
    });
  });
});
