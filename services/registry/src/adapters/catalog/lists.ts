import type { Instance } from '../../domain/instance.js';
import type { InstancePage, InstanceQuery, ServiceList } from '../../domain/store.js';
import type { Catalog } from './catalog.js';
import type { Warming } from './warming.js';

/** What lists are made from. */
export interface ListSource {
  readonly catalog: Catalog;
  readonly warming: Warming;
  /** The instances whose leases ran out and are held. */
  readonly lapses: Lapses;
}

interface Lapses {
  /** How many there are. */
  readonly held: number;
  /** When the lease of one of them ran out; undefined for all others. */
  lapseTimeOf(instanceId: string): number | undefined;
}

/** The services that have instances, by name. */
export function listServices(source: Omit<ListSource, 'lapses'>): ServiceList {
  const services = [...source.catalog.services()].sort((one, other) => (one.service < other.service ? -1 : 1));
  return { services, ...stateOf(source) };
}

/** A page of instances, by id. */
export function listInstances(source: ListSource, { service, afterId, pageSize }: InstanceQuery): InstancePage {
  const { catalog, lapses } = source;
  const { instances, more } = catalog.view(service)?.page(afterId, pageSize) ?? { instances: [], more: false };
  const told = lapses.held === 0 ? instances : instances.map((instance) => withLapse(instance, lapses));
  return { instances: told, more, ...stateOf(source) };
}

function withLapse(instance: Instance, lapses: Lapses): Instance {
  const lapseTimeMs = lapses.lapseTimeOf(instance.instanceId);
  return lapseTimeMs === undefined ? instance : { ...instance, lapseTimeMs };
}

function stateOf({ catalog, warming }: Pick<ListSource, 'catalog' | 'warming'>) {
  return { position: catalog.position, warming: warming.active };
}
