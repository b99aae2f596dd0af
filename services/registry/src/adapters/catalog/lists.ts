import type { Instance, RefusedRegistration } from '../../domain/instance.js';
import type { InstancePage, InstanceQuery, ServiceList } from '../../domain/store.js';
import type { Catalog } from './catalog.js';
import type { StoreOptions } from './store-options.js';
import type { Warming } from './warming.js';

/** What lists read. */
export interface ListSource {
  readonly catalog: Catalog;
  readonly warming: Warming;
  /** The leases that ran out and are held back. */
  readonly lapses: Lapses;
  /** The registrations that were refused recently. */
  readonly refusals: RecentRefusals;
}

interface Lapses {
  /** The number of leases that are held back. */
  readonly held: number;
  /** When the lease of an instance ran out; undefined if it isn't held back. */
  lapseTimeOf(instanceId: string): number | undefined;
}

interface RecentRefusals {
  /** Whether there is none. */
  readonly isEmpty: boolean;
  /** The last refused registration of an instance id that another process holds. */
  of(instanceId: string): RefusedRegistration | undefined;
}

/** Converts `lapses` from the clock that measures leases to the wall clock. */
export function onWallClock(lapses: Lapses, { clock, wallClock }: Pick<StoreOptions, 'clock' | 'wallClock'>): Lapses {
  return {
    held: lapses.held,
    lapseTimeOf(instanceId) {
      const lapseTimeMs = lapses.lapseTimeOf(instanceId);
      return lapseTimeMs === undefined ? undefined : wallClock.now().getTime() - (clock.now() - lapseTimeMs);
    },
  };
}

/** The services that have instances, in the order of their names. */
export function listServices(source: Pick<ListSource, 'catalog' | 'warming'>): ServiceList {
  const services = [...source.catalog.services()].sort((one, other) => (one.service < other.service ? -1 : 1));
  return { services, ...stateOf(source) };
}

/** A page of instances, in the order of their ids. */
export function listInstances(source: ListSource, { service, afterId, pageSize }: InstanceQuery): InstancePage {
  const { catalog, lapses, refusals } = source;
  const { instances, more } = catalog.view(service)?.page(afterId, pageSize) ?? { instances: [], more: false };
  const isPlain = lapses.held === 0 && refusals.isEmpty;
  const annotated = isPlain ? instances : instances.map((instance) => annotate(instance, source));
  return { instances: annotated, more, ...stateOf(source) };
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
