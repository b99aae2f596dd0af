import { isIP } from 'node:net';
import { Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { ClusterLoadAssignment, LocalityLbEndpoints } from '@rondo/contracts/rondo/xds/v1/xds';
import { groupBy, regionOf } from '@rondo/rpc/internal';
import type { Instance } from '../domain/instance.js';

/** What of a client decides which endpoints it gets. */
export interface ClientKind {
  /** `region/zone`; empty if it names none, which makes all zones equal. */
  readonly zone: string;
  /** Whether it connects with a certificate. */
  readonly tls: boolean;
}

/** An instance as a client reaches it. */
interface Reachable {
  readonly host: string;
  readonly port: number;
  readonly zone: string;
  readonly weight: number;
}

/**
 * The endpoints of a cluster; undefined if the client can reach none. A locality is a zone, and has a priority: the client's own zone comes
 * first, then its region, then all others. gRPC ignores weights of endpoints, so the instances of one weight are a locality, with the weight
 * of all of them together.
 */
export function assignmentOf(
  cluster: string,
  instances: readonly Instance[],
  client: ClientKind,
): ClusterLoadAssignment | undefined {
  const localities = groupBy(reachable(instances, client), ({ zone, weight }) => `${zone} ${weight}`);
  if (localities.size === 0) return undefined;
  const ranked = [...localities].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
  const ranks = [...new Set(ranked.map(([first]) => distance(client.zone, first?.zone ?? '')))].sort();
  const endpoints = ranked.flatMap((group) => toLocality(group, (zone) => ranks.indexOf(distance(client.zone, zone))));
  return { clusterName: cluster, endpoints };
}

function toLocality(group: readonly Reachable[], priorityOf: (zone: string) => number): readonly LocalityLbEndpoints[] {
  const [first] = group;
  if (first === undefined) return [];
  const [region = '', zone = ''] = first.zone.split('/');
  return [
    {
      locality: { region, zone, subZone: `weight-${first.weight}` },
      lbEndpoints: group.map(({ host: address, port: portValue }) => ({
        endpoint: { address: { socketAddress: { address, portValue } } },
      })),
      loadBalancingWeight: first.weight * group.length,
      priority: priorityOf(first.zone),
    },
  ];
}

/** 0 for the same zone, 1 for the same region, 2 for elsewhere. */
function distance(own: string, zone: string): number {
  if (own === '' || own === zone) return 0;
  return regionOf(own) === regionOf(zone) ? 1 : 2;
}

/** Each address once, as clients refuse a list that has one twice: that of the later process, if the earlier one is still listed. */
function reachable(instances: readonly Instance[], { tls }: ClientKind): readonly Reachable[] {
  const wanted = tls ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const byAddress = new Map<string, Reachable>();
  for (const { endpoints, zone, weight } of instances.toSorted(byIncarnation)) {
    const address = endpoints.find(({ security }) => security === wanted)?.address ?? '';
    const { v6, v4 = v6 ?? '', port } = /^(?:\[(?<v6>.+)\]|(?<v4>[^:]+)):(?<port>\d+)$/.exec(address)?.groups ?? {};
    const host = v4 === 'localhost' ? '127.0.0.1' : v4;
    // Clients in C++ and Python refuse the whole list for one name that is no IP address.
    if (isIP(host) > 0) byAddress.set(address, { host, port: Number(port), zone, weight });
  }
  return [...byAddress.values()];
}

const byIncarnation = (one: Instance, other: Instance): number => Number(one.incarnation - other.incarnation);
