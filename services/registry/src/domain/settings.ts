/** One setting of a service, or the record that it was deleted. */
export interface SettingRecord {
  /** Fully qualified; `*` for every service without a setting of its own. */
  readonly service: string;
  readonly key: string;
  /** Undefined if the setting is deleted. */
  readonly value: string | undefined;
  /** Increases with each change of the setting. */
  readonly version: bigint;
  readonly author: string;
  readonly updateTimeMs: number;
}

/** The most settings, with the records of deleted ones. */
export const MAX_SETTINGS = 1_000;

/** Identifies a setting. Neither part has a space. */
export function settingId({ service, key }: Pick<SettingRecord, 'service' | 'key'>): string {
  return `${service} ${key}`;
}

/** Whether `record` replaces `present`: the greater version holds, and of equal ones the greater value, so that all agree. */
export function supersedes(record: SettingRecord, present: SettingRecord | undefined): boolean {
  if (present === undefined || record.version !== present.version) return record.version > (present?.version ?? -1n);
  return (record.value ?? '') > (present.value ?? '');
}

/** Stores the settings. Rejects with `StoreUnreachable` if the store behind it doesn't answer. */
export interface SettingsStore {
  /** All records, also of deleted settings. */
  list(): readonly SettingRecord[];
  /** Changes a setting. Resolves to the record before and the one now. Rejects with `LimitReached`. */
  change(change: SettingChange): Promise<Changed>;
  /** Takes over the records that supersede the present ones. */
  restore(records: readonly SettingRecord[]): Promise<void>;
  /** All records, then those that have changed, until `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<readonly SettingRecord[]>;
  close(): Promise<void>;
}

/** A change by an operator. Without a value the setting is deleted. */
export type SettingChange = Pick<SettingRecord, 'service' | 'key' | 'value' | 'author'>;

/** A setting before and after a change. */
export interface Changed {
  readonly before: SettingRecord | undefined;
  readonly after: SettingRecord;
}

/** The record that a change makes at `nowMs`. */
export function changed(change: SettingChange, present: SettingRecord | undefined, nowMs: number): SettingRecord {
  const now = BigInt(Math.floor(nowMs));
  const next = (present?.version ?? 0n) + 1n;
  return { ...change, version: next > now ? next : now, updateTimeMs: Math.floor(nowMs) };
}
