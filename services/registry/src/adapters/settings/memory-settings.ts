import type { WallClock } from '@rondo/rpc/clock';
import {
  type Changed,
  changed,
  type SettingChange,
  type SettingRecord,
  type SettingsStore,
} from '../../domain/settings.js';
import { SettingsBoard } from './settings-board.js';

/** Settings in the memory of this process. They start empty: processes restore what they hold. */
export class MemorySettings implements SettingsStore {
  readonly #board = new SettingsBoard();
  readonly #wallClock: WallClock;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  list(): readonly SettingRecord[] {
    return this.#board.all();
  }

  async change(change: SettingChange): Promise<Changed> {
    const before = this.#board.of(change);
    this.#board.requireRoomFor([change]);
    const after = changed(change, before, this.#wallClock.now().getTime());
    this.#board.put([after]);
    return { before, after };
  }

  async restore(records: readonly SettingRecord[]): Promise<void> {
    this.#board.requireRoomFor(records);
    this.#board.put(records);
  }

  watch(signal: AbortSignal): AsyncIterable<readonly SettingRecord[]> {
    return this.#board.watch(signal);
  }

  async close(): Promise<void> {
    this.#board.close();
  }
}
