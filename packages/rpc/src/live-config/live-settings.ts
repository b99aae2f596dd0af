import {
  type BalancingOverrides,
  type BreakerOverrides,
  type BulkheadOverrides,
  EVERY_SERVICE,
} from '../contract/setting-text.js';
import { isSettingName, SETTING_KEYS, type SettingName, type SettingValue } from './setting-keys.js';

/** A setting as the registry keeps it. Without a value it is deleted. */
export interface StoredSetting {
  readonly service: string;
  readonly key: string;
  readonly value?: string | undefined;
}

/** Settings that override what a channel was made with. */
export interface CallSettings {
  readonly balancing: BalancingOverrides;
  readonly breakers: BreakerOverrides;
  readonly bulkheads: BulkheadOverrides;
  /** The percentage of calls for canaries, by service. */
  readonly canaryPercents: Readonly<Record<string, number>>;
}

/** The live settings that a process holds, parsed. */
export class LiveSettings {
  readonly #values = new Map<string, Map<string, unknown>>();

  /** Settings with unknown keys or invalid values are left out: a registry of another version keeps them. */
  constructor(settings: readonly StoredSetting[]) {
    for (const { service, key, value } of settings) {
      if (value === undefined || !isSettingName(key)) continue;
      const parsed = SETTING_KEYS[key].parse(value);
      if (parsed.faults.length > 0) continue;
      const byService = this.#values.get(key) ?? new Map<string, unknown>();
      this.#values.set(key, byService.set(service, parsed.value));
    }
  }

  /** The value for a service: its own, or else that of every service. */
  of<K extends SettingName>(key: K, service: string): SettingValue<K> | undefined {
    const values = this.byService(key);
    if (Object.hasOwn(values, service)) return values[service];
    return Object.hasOwn(values, EVERY_SERVICE) ? values[EVERY_SERVICE] : undefined;
  }

  byService<K extends SettingName>(key: K): Readonly<Record<string, SettingValue<K>>> {
    // What `parse` of this key has made.
    return Object.fromEntries(this.#values.get(key) ?? []) as Record<string, SettingValue<K>>;
  }

  /** Those that change how a channel makes calls. */
  get calls(): CallSettings {
    return {
      balancing: this.byService('balancing'),
      breakers: this.byService('breaker'),
      bulkheads: this.byService('bulkhead'),
      canaryPercents: this.byService('canary_percent'),
    };
  }
}
