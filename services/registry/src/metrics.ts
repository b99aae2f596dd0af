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
  const instances = meter.createObservableGauge('rondo.registry.instances', {
    unit: '{instance}',
    description: 'The registered instances.',
  });
  instances.addCallback((result) => result.observe(store.counts.instances));
  const watches = meter.createObservableGauge('rondo.registry.watches', {
    unit: '{watch}',
    description: 'The open watches.',
  });
  watches.addCallback((result) => result.observe(store.counts.watches));
  const held = meter.createObservableGauge('rondo.registry.held_expiries', {
    unit: '{instance}',
    description:
      'The instances whose leases ran out and whose expiry is held back, because too many ran out at once. Set an alert if it is not 0.',
  });
  held.addCallback((result) => result.observe(store.counts.heldExpiries));
  const revisions = meter.createObservableCounter('rondo.registry.revisions', {
    unit: '{revision}',
    description: 'Changes of the registered instances.',
  });
  revisions.addCallback((result) => result.observe(store.counts.revisions));
  const refused = meter.createObservableCounter('rondo.registry.refused_registrations', {
    unit: '{registration}',
    description:
      "The refused registrations, by reason: later_incarnation (a process that started later holds the instance id), secret (a process with the same start holds it), identity (the certificate isn't for the services that the process lists), holder (a process with a certificate holds the id), incarnation_ahead (the process's start is more than a minute ahead of the registry's clock), limit. Set an alert if it grows.",
  });
  refused.addCallback((result) => {
    for (const reason of REASONS) result.observe(refusals.counts[reason], { 'rondo.reason': reason });
  });
  if (connected === undefined) return;
  const answers = meter.createObservableGauge('rondo.registry.store.connected', {
    unit: '1',
    description: 'Whether the backing store answers and sends changes: 1 or 0. Set an alert on 0.',
  });
  answers.addCallback((result) => result.observe(connected() ? 1 : 0));
}
