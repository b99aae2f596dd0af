import type { Any } from '@rondo/contracts/google/protobuf/any';
import { regionOf } from '@rondo/rpc/internal';
import type { SettingRecord } from '../domain/settings.js';
import type { WatchEvent } from '../domain/store.js';
import { type Cluster, clustersOf, serviceOf } from './clusters.js';
import type { ClientKind } from './endpoints.js';
import { Fleets } from './fleets.js';
import type { PoliciesOf } from './policies.js';
import { clusterOf, endpointsOf, listenerOf, type ResourceType, TYPES } from './resources.js';

/** A client, as far as its resources depend on it. */
export interface Client extends ClientKind {
  /** That of its certificate, with a slash at the end, such as `spiffe://rondo.local/`; empty without a certificate. */
  readonly trustDomain: string;
}

/** What contracts say. */
interface Contracts {
  readonly policiesOf: PoliciesOf;
  /** The processes that may serve a service, by their names; undefined for every process. */
  readonly servedBy: (service: string) => readonly string[] | undefined;
}

/** The resources of one service, as long as it doesn't change. */
interface Service {
  readonly clusters: readonly Cluster[];
  /** The zones and regions of its instances: other zones of clients make no difference. */
  readonly zones: ReadonlySet<string>;
  readonly encoded: Map<string, Any>;
}

/** The encoded resources of services. A resource is encoded once for all clients of a zone, and again when its service has changed. */
export class Encodings {
  readonly #contracts: Contracts;
  readonly #fleets = new Fleets();
  readonly #services = new Map<string, Service>();

  constructor(contracts: Contracts) {
    this.#contracts = contracts;
  }

  /** Whether the registry knows all instances. */
  get isComplete(): boolean {
    return this.#fleets.isComplete;
  }

  /** Takes an event of a watch of all services. Returns the services that have changed; undefined for all. */
  apply(event: WatchEvent): ReadonlySet<string> | undefined {
    const { isComplete } = this;
    const changed = this.#drop(this.#fleets.apply(event));
    return isComplete === this.isComplete ? changed : undefined;
  }

  /** Takes settings that have changed. Returns the services that they concern. */
  applySettings(records: readonly SettingRecord[]): ReadonlySet<string> {
    return this.#drop(this.#fleets.applySettings(records));
  }

  /** A resource by its type and name; undefined if there is none now, such as the endpoints of a service without instances. */
  find(type: ResourceType, name: string, client: Client): Any | undefined {
    const service = this.#service(serviceOf(name));
    const seen = { ...client, zone: nearestZone(client.zone, service) };
    const key = [type, name, seen.zone, seen.tls ? seen.trustDomain : ''].join(' ');
    const present = service.encoded.get(key);
    if (present !== undefined) return present;
    const made = this.#make(type, name, { ...service, client: seen });
    // Nor is a cluster that a client invents for a service.
    const isKnown = name === serviceOf(name) || service.clusters.some((cluster) => cluster.name === name);
    if (made !== undefined && isKnown) service.encoded.set(key, made);
    return made;
  }

  #drop(changed: ReadonlySet<string>): ReadonlySet<string> {
    for (const name of changed) this.#services.delete(name);
    return changed;
  }

  #service(name: string): Service {
    const present = this.#services.get(name);
    if (present !== undefined) return present;
    const instances = this.#fleets.instancesOf(name);
    const clusters = clustersOf(name, instances, this.#fleets.percentOf(name));
    const zones = new Set(instances.flatMap(({ zone }) => [zone, `${regionOf(zone)}/`]));
    const service = { clusters, zones, encoded: new Map<string, Any>() };
    // A client may subscribe to any name: one without instances isn't kept.
    if (instances.length > 0) this.#services.set(name, service);
    return service;
  }

  #make(type: ResourceType, name: string, { clusters, client }: Service & { client: Client }): Any | undefined {
    const { policiesOf, servedBy } = this.#contracts;
    switch (type) {
      case TYPES.listener:
        return listenerOf(name, clusters, policiesOf(name));
      case TYPES.cluster:
        return clusterOf(name, client.tls ? identities(client, servedBy(serviceOf(name))) : undefined);
      case TYPES.endpoints: {
        const cluster = clusters.find((one) => one.name === name);
        return cluster && endpointsOf(cluster, client);
      }
    }
  }
}

/** The zone of a client, its region if no instance is in the zone, or none if no instance is in the region either. */
function nearestZone(zone: string, { zones }: Service): string {
  if (zone === '' || zones.has(zone)) return zone;
  const region = `${regionOf(zone)}/`;
  return zones.has(region) ? region : '';
}

/** Without an id every process of the trust domain may serve: its CA alone counts. */
const identities = ({ trustDomain }: Client, names: readonly string[] = []): readonly string[] =>
  names.map((name) => `${trustDomain}${name}`);
