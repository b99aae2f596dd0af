import { expect, it } from '@jest/globals';
import { systemWallClock } from '@rondo/rpc/clock';
import type { SettingRecord, SettingsStore } from '../../src/domain/settings.js';
import { SALES } from '../started-registry.js';

const record = (value: string | undefined, version: bigint, key = 'log_level'): SettingRecord => {
  return { service: SALES, key, value, version, author: '', updateTimeMs: 0 };
};

/** The contract test suite of a store of settings. Every such store must pass it. */
export function describeSettings(make: () => Promise<SettingsStore>): void {
  const values = (store: SettingsStore) => store.list().map(({ value }) => value);

  it('let the greater version hold when processes restore what they know', async () => {
    const store = await make();
    await store.restore([record('debug', 7n)]);
    await store.restore([record('warn', 6n)]);
    expect(values(store)).toEqual(['debug']);
    await store.restore([record(undefined, 8n)]);
    await store.restore([record('debug', 7n)]);
    expect(values(store)).toEqual([undefined]);
  });

  it('give a change a greater version than any before, also one from a clock that is ahead', async () => {
    const store = await make();
    const far = BigInt(systemWallClock.now().getTime()) * 2n;
    await store.restore([record('debug', far)]);
    const { before, after } = await store.change({ service: SALES, key: 'log_level', value: 'warn', author: '' });
    expect(before?.version).toBe(far);
    expect(after.version).toBe(far + 1n);
    expect(values(store)).toEqual(['warn']);
  });

  it('agree on one value if two processes restore different values of one version', async () => {
    const [one, other] = [await make(), await make()];
    const records = [record('debug', 7n), record('warn', 7n)];
    for (const each of records) await one.restore([each]);
    for (const each of records.toReversed()) await other.restore([each]);
    expect(values(one)).toEqual(values(other));
  });

  it('are bounded in number', async () => {
    const store = await make();
    const many = Array.from({ length: 1_001 }, (_, index) => record('x', 1n, `key_${index}`));
    await expect(store.restore(many)).rejects.toThrow('the limit of 1000 settings is reached');
    await store.restore(many.slice(0, 1));
    await expect(store.restore(many.slice(1))).rejects.toThrow('the limit of 1000 settings is reached');
    await store.restore(many.slice(0, 1));
  });
}
