import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Setting,
  SettingsServiceDefinition,
  type WatchSettingsResponse,
} from '@rondo/contracts/rondo/registry/v1/settings';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { systemWallClock } from '@rondo/rpc/clock';
import { createTestChannel } from '@rondo/rpc/testing';
import { MemorySettings } from '../src/adapters/settings/memory-settings.js';
import { refusal, SALES, start, stopAll } from './started-registry.js';
import { describeSettings } from './store/settings.js';

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
  it('have no control characters in the texts that operators read', async () => {
    const { client } = startSettings();
    const own = { service: SALES, key: 'log_level', value: 'warn', version: 1n, author: '' };
    for (const bad of [{ author: 'ada\u001b[2K' }, { value: 'warn\n' }]) {
      const error = await refusal(client.restoreSettings({ settings: [{ ...own, ...bad }] }));
      expect(error.message).toContain(`settings[0].${Object.keys(bad)[0]}`);
    }
    expect((await refusal(client.deleteSetting({ ...own, author: '\u0007' }))).message).toContain('author');
  });

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
    ['weights', 'a-1=5', '*', 'setting.service: is *, and weights is for one service at a time'],
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

describe('settings in memory', () => describeSettings(async () => new MemorySettings(systemWallClock)));
