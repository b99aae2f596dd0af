import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import {
  type Setting,
  SettingsServiceDefinition,
  type WatchSettingsResponse,
} from '@rondo/contracts/rondo/registry/v1/settings';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { createTestChannel } from '@rondo/rpc/testing';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import { EtcdSettings } from '../src/adapters/settings/etcd-settings.js';
import { MemorySettings } from '../src/adapters/settings/memory-settings.js';
import type { SettingRecord, SettingsStore } from '../src/domain/settings.js';
import { noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';
import { refusal, SALES, start, stopAll } from './started-registry.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopAll();
});

/** A registry with its log, and a client of its settings. */
function startSettings() {
  const lines: { readonly fields: object; readonly message: string }[] = [];
  const log = { ...silentLogger, info: (fields: object, message: string) => void lines.push({ fields, message }) };
  const { app, clock } = start({}, log);
  const channel = createTestChannel({ services: app.services, clock });
  closers.push(() => channel.close());
  const client = createClient(SettingsServiceDefinition, { channel });
  const set = (key: string, value: string, service = SALES) =>
    client.updateSetting({ setting: { service, key, value, author: 'ada@host' } });
  const list = async () => (await client.listSettings({})).settings.map(({ key, value }) => `${key}=${value}`);
  return { client, clock, lines, set, list };
}

async function next(watch: AsyncIterator<WatchSettingsResponse>): Promise<readonly Setting[]> {
  const step = await watch.next();
  if (step.done === true) throw new Error('the watch has ended');
  return step.value.settings;
}

describe('the settings', () => {
  it('are set, listed, replaced and unset, with author, time and an audit line each', async () => {
    const { client, clock, lines, set, list } = startSettings();
    expect(await set('log_level', 'debug')).toMatchObject({
      setting: { value: 'debug', version: BigInt(clock.now()), updateTime: new Date(clock.now()) },
      oldValue: undefined,
    });
    expect(await set('log_level', 'warn')).toMatchObject({
      oldValue: 'debug',
      setting: { version: BigInt(clock.now() + 1) },
    });
    await set('balancing', 'random', '*');
    expect(await list()).toEqual(['balancing=random', 'log_level=warn']);
    const address = { service: SALES, key: 'log_level', author: 'eve@host' };
    expect(await client.deleteSetting(address)).toEqual({ oldValue: 'warn' });
    expect(await list()).toEqual(['balancing=random']);
    expect(await refusal(client.deleteSetting(address))).toMatchObject({
      codeName: 'NOT_FOUND',
      message: `${SALES} has no setting log_level; rondo config lists those that there are`,
    });
    expect(lines.map(({ fields, message }) => ({ ...fields, message }))).toEqual([
      expect.objectContaining({
        message: 'a setting was set',
        key: 'log_level',
        old: null,
        new: 'debug',
        author: 'ada@host',
      }),
      expect.objectContaining({ message: 'a setting was set', old: 'debug', new: 'warn' }),
      expect.objectContaining({ message: 'a setting was set', target: '*', key: 'balancing' }),
      expect.objectContaining({ message: 'a setting was unset', old: 'warn', new: null, author: 'eve@host' }),
    ]);
  });

  it.each([
    ['log_levle', 'debug', SALES, 'setting.key: there is no setting "log_levle": is log_level meant?'],
    ['log_level', 'loud', SALES, 'setting.value: "loud" (no such level); log_level is trace, debug, info'],
    ['balancing', 'random?subset=3', SALES, "subset can't change while processes run"],
    ['canary_percent', '101', SALES, 'canary_percent is a number from 0 to 100, without a percent sign, such as 5'],
    ['canary_percent', '5', '*', 'setting.service: is *, and canary_percent is for one service at a time'],
    ['breaker', `on?${'x'.repeat(2_000)}`, SALES, 'longer than 1024 characters'],
    ['log_level', 'debug', 'Order Service', 'setting.service: must be a fully qualified gRPC service'],
    ['__proto__', 'x', SALES, 'setting.key: there is no setting "__proto__"'],
  ])('refuse %s = %s of %s', async (...[key, value, service, fault]) => {
    const { set, list } = startSettings();
    const error = await refusal(set(key, value, service));
    expect(error).toMatchObject({ codeName: 'INVALID_ARGUMENT', message: expect.stringContaining(fault) });
    expect(await list()).toEqual([]);
  });

  it('are watched: all records at first, then each change, also of what is unset', async () => {
    const { client, set } = startSettings();
    await set('log_level', 'debug');
    const watch = client.watchSettings({})[Symbol.asyncIterator]();
    expect(await next(watch)).toMatchObject([{ key: 'log_level', value: 'debug' }]);
    await set('breaker', 'on');
    expect(await next(watch)).toMatchObject([{ key: 'breaker', value: 'on' }]);
    await client.deleteSetting({ service: SALES, key: 'breaker', author: '' });
    expect(await next(watch)).toMatchObject([{ key: 'breaker', value: undefined }]);
    await watch.return?.();
  });
});

const record = (value: string | undefined, version: bigint, key = 'log_level'): SettingRecord => {
  return { service: SALES, key, value, version, author: '', updateTimeMs: 0 };
};

/** The rules that hold for any store. */
function describeSettings(make: () => Promise<SettingsStore>): void {
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
  });
}

describe('settings in memory', () => describeSettings(async () => new MemorySettings(systemWallClock)));

tellSkipped('settings over etcd', noEtcd);

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'settings over a real etcd', () => {
  let prefixes = 0;
  const open = async (etcdAddress: string, prefix: string) => {
    const clocks = { clock: systemClock, random: systemRandom };
    const etcd = connectEtcd({ endpoints: [etcdAddress], prefix }, clocks);
    const store = new EtcdSettings({ etcd, prefix, ...clocks, wallClock: systemWallClock, log: silentLogger });
    closers.push(
      () => etcd.close(),
      () => store.close(),
    );
    return store;
  };
  let started: ReturnType<typeof startEtcd> | undefined;
  const address = async () => {
    started ??= startEtcd();
    return (await started).address;
  };
  afterAll(async () => (await started)?.close());

  describeSettings(async () => {
    prefixes += 1;
    return open(await address(), `/settings/${prefixes}`);
  });

  it('are shared by registries, and outlive them', async () => {
    const at = await address();
    const [one, other] = [await open(at, '/shared'), await open(at, '/shared')];
    const ended = new AbortController();
    const watch = other.watch(ended.signal)[Symbol.asyncIterator]();
    await watch.next();
    await one.change({ service: SALES, key: 'log_level', value: 'debug', author: '' });
    expect((await watch.next()).value).toMatchObject([{ key: 'log_level', value: 'debug' }]);
    ended.abort();
    await watch.return?.();
    const later = (await open(at, '/shared')).watch(new AbortController().signal)[Symbol.asyncIterator]();
    let seen: readonly SettingRecord[] = (await later.next()).value;
    if (seen.length === 0) seen = (await later.next()).value;
    expect(seen).toMatchObject([{ value: 'debug' }]);
    await later.return?.();
  });
});
