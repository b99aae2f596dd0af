import { parseCanaryPercent } from '@rondo/rpc/internal';
import type { Instance } from '../domain/instance.js';
import type { SettingRecord } from '../domain/settings.js';
import type { WatchEvent } from '../domain/store.js';

/** The instances of all services, and the percentages of their canaries, as two watches tell them. */
export class Fleets {
  readonly #services = new Map<string, Map<string, Instance>>();
  readonly #percents = new Map<string, number>();
  readonly #instances = new Map<string, Instance>();
  /** The instances that the parts of a snapshot have named so far; undefined outside of a snapshot. */
  #listed: Set<string> | undefined;
  #isComplete = false;

  /** Whether all instances are known: there was a snapshot, and the registry isn't warming. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  instancesOf(service: string): readonly Instance[] {
    return [...(this.#services.get(service)?.values() ?? [])];
  }

  /** What replaces the percentage of the service's canaries; undefined if nothing does. */
  percentOf(service: string): number | undefined {
    return this.#percents.get(service);
  }

  /** Takes an event of a watch of all services. Returns the services that have changed. */
  apply(event: WatchEvent): ReadonlySet<string> {
    const changed = new Set<string>();
    if (event.kind === 'snapshot-part' || event.kind === 'snapshot') {
      this.#listed ??= new Set();
      for (const instance of event.instances) {
        this.#listed.add(instance.instanceId);
        this.#put(instance, changed);
      }
    }
    if (event.kind === 'snapshot') {
      for (const id of [...this.#instances.keys()]) if (this.#listed?.has(id) === false) this.#remove(id, changed);
      this.#listed = undefined;
    }
    if (event.kind === 'delta') {
      for (const instance of event.upserts) this.#put(instance, changed);
      for (const { instanceId } of event.removals) this.#remove(instanceId, changed);
    }
    this.#isComplete = event.kind !== 'snapshot-part' && !event.warming;
    return changed;
  }

  /** Takes settings that have changed. Returns the services that they concern. */
  applySettings(records: readonly SettingRecord[]): ReadonlySet<string> {
    const changed = records.filter(({ key }) => key === 'canary_percent');
    for (const { service, value } of changed) {
      const percent = parseCanaryPercent(value ?? '');
      if (percent === undefined) this.#percents.delete(service);
      else this.#percents.set(service, percent);
    }
    return new Set(changed.map(({ service }) => service));
  }

  #put(instance: Instance, changed: Set<string>): void {
    this.#remove(instance.instanceId, changed);
    this.#instances.set(instance.instanceId, instance);
    for (const service of instance.services) {
      const fleet = this.#services.get(service) ?? new Map<string, Instance>();
      this.#services.set(service, fleet.set(instance.instanceId, instance));
      changed.add(service);
    }
  }

  #remove(id: string, changed: Set<string>): void {
    for (const service of this.#instances.get(id)?.services ?? []) {
      const fleet = this.#services.get(service);
      fleet?.delete(id);
      if (fleet?.size === 0) this.#services.delete(service);
      changed.add(service);
    }
    this.#instances.delete(id);
  }
}
