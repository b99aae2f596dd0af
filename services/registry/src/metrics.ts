import type { ServiceContext } from '@rondo/service';
import type { RegistryStore } from './domain/store.js';
import { REASONS, type RefusalLog } from './rpc/refusal-log.js';

/** The part of a meter that {@link meterStore} needs. */
export type StoreMeter = Pick<ServiceContext['meter'], 'createObservableGauge' | 'createObservableCounter'>;

/** What {@link meterStore} reads. */
export interface MeteredStore {
  readonly store: Pick<RegistryStore, 'counts'>;
  /** Whether the backing store answers right now; undefined for the store in memory. */
  readonly connected?: (() => boolean) | undefined;
  /** Counts the refused registrations by reason. */
  readonly refusals: Pick<RefusalLog, 'counts'>;
}

/** Registers the registry's metrics. */
export function meterStore(meter: StoreMeter, { store, connected, refusals }: MeteredStore): void {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(`rondo.registry.${name}`, { unit, description });
  gauge('instances', '{instance}', 'The registered instances.').addCallback((result) =>
    result.observe(store.counts.instances),
  );
  gauge('watches', '{watch}', 'The open watches.').addCallback((result) => result.observe(store.counts.watches));
  gauge(
    'held_expiries',
    '{instance}',
    'The instances whose leases ran out and whose expiry is held back, because too many ran out at once.',
  ).addCallback((result) => result.observe(store.counts.heldExpiries));
  const revisions = meter.createObservableCounter('rondo.registry.revisions', {
    unit: '{revision}',
    description: 'Changes of the registered instances.',
  });
  revisions.addCallback((result) => result.observe(store.counts.revisions));
  const refused = meter.createObservableCounter('rondo.registry.refused_registrations', {
    unit: '{registration}',
    description: 'The refused registrations, by reason.',
  });
  refused.addCallback((result) => {
    for (const reason of REASONS) result.observe(refusals.counts[reason], { 'rondo.reason': reason });
  });
  if (connected === undefined) return;
  gauge('store.connected', '1', 'Whether the backing store answers and sends changes: 1 or 0.').addCallback((result) =>
    result.observe(connected() ? 1 : 0),
  );
}
