import type { ServiceContext } from '@rondo/service';
import type { RegistryStore } from './domain/store.js';
import { REASONS, type Refusals } from './rpc/refusals.js';

/** What a store is metered with. */
export type StoreMeter = Pick<ServiceContext['meter'], 'createObservableGauge' | 'createObservableCounter'>;

/** A store that is metered. */
export interface MeteredStore {
  readonly store: Pick<RegistryStore, 'counts'>;
  /** Whether what keeps the state answers right now; undefined where that is this process. */
  readonly connected?: (() => boolean) | undefined;
  /** How many registrations were refused, by reason. */
  readonly refusals: Pick<Refusals, 'counts'>;
}

/** Meters what a store holds. */
export function meterStore(meter: StoreMeter, { store, connected, refusals }: MeteredStore): void {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(`rondo.registry.${name}`, { unit, description });
  gauge('instances', '{instance}', 'The instances that are registered.').addCallback((result) =>
    result.observe(store.counts.instances),
  );
  gauge('watches', '{watch}', 'The watches that are open.').addCallback((result) =>
    result.observe(store.counts.watches),
  );
  gauge(
    'held_expiries',
    '{instance}',
    'The instances whose leases ran out and are held back from expiring, as too many did at once.',
  ).addCallback((result) => result.observe(store.counts.heldExpiries));
  const revisions = meter.createObservableCounter('rondo.registry.revisions', {
    unit: '{revision}',
    description: 'Changes of what is registered.',
  });
  revisions.addCallback((result) => result.observe(store.counts.revisions));
  const refused = meter.createObservableCounter('rondo.registry.refused_registrations', {
    unit: '{registration}',
    description: 'The registrations that were refused, by reason.',
  });
  refused.addCallback((result) => {
    for (const reason of REASONS) result.observe(refusals.counts[reason], { 'rondo.reason': reason });
  });
  if (connected === undefined) return;
  gauge(
    'store.connected',
    '1',
    'Whether the store that keeps the state answers and tells of changes: 1 or 0.',
  ).addCallback((result) => result.observe(connected() ? 1 : 0));
}
