import type { Instance, RefusedRegistration } from '../../domain/instance.js';
import type { InstancePage, InstanceQuery, ServiceList } from '../../domain/store.js';
import type { Catalog } from './catalog.js';
import type { StoreOptions } from './store-options.js';
import type { Warming } from './warming.js';

/** What lists are made from. */
export interface ListSource {
  readonly catalog: Catalog;
  readonly warming: Warming;
  /** The instances whose leases ran out and are held. */
  readonly lapses: Lapses;
  /** The registrations that were refused of late. */
  readonly refusals: RefusalsOfLate;
}

interface Lapses {
  /** How many there are. */
  readonly held: number;
  /** When the lease of one of them ran out; undefined for all others. */
  lapseTimeOf(instanceId: string): number | undefined;
}

interface RefusalsOfLate {
  /** Whether there is none at all. */
  readonly isEmpty: boolean;
  /** The last of an instance id, where another process holds that. */
  of(instanceId: string): RefusedRegistration | undefined;
}

/** `lapses`, which are measured by the clock that leases live by, as times of the wall clock. */
export function onWallClock(lapses: Lapses, { clock, wallClock }: Pick<StoreOptions, 'clock' | 'wallClock'>): Lapses {
  return {
    held: lapses.held,
    lapseTimeOf(instanceId) {
      const lapseTimeMs = lapses.lapseTimeOf(instanceId);
      return lapseTimeMs === undefined ? undefined : wallClock.now().getTime() - (clock.now() - lapseTimeMs);
    },
  };
}

/** The services that have instances, by name. */
export function listServices(source: Pick<ListSource, 'catalog' | 'warming'>): ServiceList {
  const services = [...source.catalog.services()].sort((one, other) => (one.service < other.service ? -1 : 1));
  return { services, ...stateOf(source) };
}

/** A page of instances, by id. */
export function listInstances(source: ListSource, { service, afterId, pageSize }: InstanceQuery): InstancePage {
  const { catalog, lapses, refusals } = source;
  const { instances, more } = catalog.view(service)?.page(afterId, pageSize) ?? { instances: [], more: false };
  const isPlain = lapses.held === 0 && refusals.isEmpty;
  const told = isPlain ? instances : instances.map((instance) => annotate(instance, source));
  return { instances: told, more, ...stateOf(source) };
}

function annotate(instance: Instance, { lapses, refusals }: ListSource): Instance {
  const { instanceId } = instance;
  const lapseTimeMs = lapses.lapseTimeOf(instanceId);
  const lastRefused = refusals.of(instanceId);
  return {
    ...instance,
    ...(lapseTimeMs !== undefined && { lapseTimeMs }),
    ...(lastRefused !== undefined && { lastRefused }),
  };
}

function stateOf({ catalog, warming }: Pick<ListSource, 'catalog' | 'warming'>) {
  return { position: catalog.position, warming: warming.active };
}
