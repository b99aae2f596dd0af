import { LimitReached, StoreClosed } from '../../domain/errors.js';
import { MAX_SETTINGS, type SettingRecord, settingId, supersedes } from '../../domain/settings.js';

/** The records that this registry knows, and those who watch them. */
export class SettingsBoard {
  readonly #records = new Map<string, SettingRecord>();
  readonly #watchers = new Set<Watcher>();
  #closed = false;

  all(): readonly SettingRecord[] {
    return [...this.#records.values()];
  }

  of(setting: Pick<SettingRecord, 'service' | 'key'>): SettingRecord | undefined {
    return this.#records.get(settingId(setting));
  }

  /** @throws LimitReached if that would be too many, with those that are there. */
  requireRoomFor(settings: readonly Pick<SettingRecord, 'service' | 'key'>[]): void {
    const unknown = new Set(settings.map(settingId).filter((id) => !this.#records.has(id)));
    if (unknown.size > 0 && this.#records.size + unknown.size > MAX_SETTINGS)
      throw new LimitReached('settings', MAX_SETTINGS);
  }

  /** Takes over the records that supersede the present ones, and tells the watchers. */
  put(records: readonly SettingRecord[]): void {
    const news = records.filter((record) => supersedes(record, this.of(record)));
    if (news.length === 0) return;
    for (const record of news) this.#records.set(settingId(record), record);
    for (const watcher of this.#watchers) watcher.tell(news);
  }

  /** All records, then changed ones. A slow watcher gets the latest record of each setting. */
  async *watch(signal: AbortSignal): AsyncGenerator<readonly SettingRecord[]> {
    const watcher = new Watcher();
    const end = () => watcher.wake();
    this.#watchers.add(watcher);
    signal.addEventListener('abort', end, { once: true });
    try {
      yield this.all();
      while (!signal.aborted) {
        if (this.#closed) throw new StoreClosed();
        const news = watcher.take();
        if (news.length > 0) yield news;
        else await watcher.untilNews();
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', end);
    }
  }

  /** Ends all watches with `StoreClosed`. */
  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.wake();
  }
}

/** The records that one watcher hasn't received yet. Their number is bounded by that of the settings. */
class Watcher {
  readonly #news = new Map<string, SettingRecord>();
  #wake: () => void = () => undefined;

  tell(records: readonly SettingRecord[]): void {
    for (const record of records) this.#news.set(settingId(record), record);
    this.#wake();
  }

  take(): readonly SettingRecord[] {
    const news = [...this.#news.values()];
    this.#news.clear();
    return news;
  }

  untilNews(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
