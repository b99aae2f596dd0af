import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import {
  type Changed,
  changed,
  type SettingChange,
  type SettingRecord,
  type SettingsStore,
  settingId,
  supersedes,
} from '../../domain/settings.js';
import { type Etcd, get, type KeyEvent, put, unchanged } from '../etcd-store/etcd-client.js';
import { type KeyWatch, watchKeys } from '../etcd-store/key-watch.js';
import { type Keys, keysUnder } from '../etcd-store/keys.js';
import { withRetries } from '../etcd-store/retry.js';
import { SettingsBoard } from './settings-board.js';

/** What {@link EtcdSettings} are made from. */
interface EtcdSettingsOptions {
  /** The client of etcd, which belongs to the registry's store. */
  readonly etcd: Etcd;
  /** The prefix of the keys. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
}

/** Settings in etcd, for any number of registries. A change is a transaction on one key; each registry watches all. */
export class EtcdSettings implements SettingsStore {
  readonly #options: EtcdSettingsOptions;
  readonly #keys: Keys;
  readonly #board = new SettingsBoard();
  readonly #keyWatch: KeyWatch;

  constructor(options: EtcdSettingsOptions) {
    const { etcd, prefix, clock, random, log } = options;
    this.#options = options;
    this.#keys = keysUnder(prefix);
    const listener = {
      onSnapshot: async ({ pairs }: { readonly pairs: readonly KeyEvent[] }) => this.#onSnapshot(pairs.flatMap(decode)),
      onEvents: (events: readonly KeyEvent[]) => this.#board.put(events.flatMap(decode)),
      onConnection: () => undefined,
    };
    this.#keyWatch = watchKeys({ etcd, keys: { all: this.#keys.settings }, listener, clock, random, log });
  }

  list(): readonly SettingRecord[] {
    return this.#board.all();
  }

  async change(change: SettingChange): Promise<Changed> {
    this.#board.requireRoomFor([change]);
    const nowMs = this.#options.wallClock.now().getTime();
    return this.#swap(change, (before) => changed(change, before, nowMs));
  }

  async restore(records: readonly SettingRecord[]): Promise<void> {
    this.#board.requireRoomFor(records);
    for (const record of records) {
      await this.#swap(record, (before) => (supersedes(record, before) ? record : before));
    }
  }

  watch(signal: AbortSignal): AsyncIterable<readonly SettingRecord[]> {
    return this.#board.watch(signal);
  }

  async close(): Promise<void> {
    this.#board.close();
    await this.#keyWatch.stop();
  }

  /** What etcd has lost, such as in a restore of a backup, this registry writes again. */
  #onSnapshot(stored: readonly SettingRecord[]): true {
    const known = new Map(stored.map((record) => [settingId(record), record]));
    const lost = this.#board.all().filter((record) => supersedes(record, known.get(settingId(record))));
    this.#board.put(stored);
    if (lost.length > 0) {
      this.restore(lost).catch((err: unknown) => {
        this.#options.log.warn({ err, settings: lost.length }, "settings that etcd has lost can't be written again");
      });
    }
    return true;
  }

  /** Replaces a record by compare-and-swap, until no other registry comes between. */
  #swap<R extends SettingRecord | undefined>(
    setting: Pick<SettingRecord, 'service' | 'key'>,
    next: (before: SettingRecord | undefined) => R,
  ): Promise<{ readonly before: SettingRecord | undefined; readonly after: R }> {
    const { etcd, clock, random } = this.#options;
    const key = this.#keys.setting(settingId(setting));
    const swap = async () => {
      for (;;) {
        const [pair] = (await etcd.commit([], [get(key)])).reads;
        const before = pair && parse(pair.value);
        const after = next(before);
        if (after === undefined || after === before) return { before, after };
        const committed = await etcd.commit([unchanged(key, pair?.modRevision ?? 0n)], [put(key, encode(after))]);
        if (!committed.succeeded) continue;
        this.#board.put([after]);
        return { before, after };
      }
    };
    return withRetries(swap, { name: etcd.name, clock, random });
  }
}

function encode({ version, ...record }: SettingRecord): Buffer {
  return Buffer.from(JSON.stringify({ ...record, version: String(version) }));
}

function decode({ value }: KeyEvent): readonly SettingRecord[] {
  const record = value && parse(value);
  return record === undefined ? [] : [record];
}

/** The record in a value; undefined if another program wrote it. */
function parse(bytes: Buffer): SettingRecord | undefined {
  try {
    const { service, key, value, version, author, updateTimeMs } = JSON.parse(bytes.toString());
    const valid = [service, key, author].every((text) => typeof text === 'string') && /^\d{1,19}$/.test(version);
    if (!valid || (value !== undefined && typeof value !== 'string')) return undefined;
    return { service, key, value, version: BigInt(version), author, updateTimeMs: Number(updateTimeMs) };
  } catch {
    return undefined; // an unreadable value counts as none: the next change replaces it
  }
}
