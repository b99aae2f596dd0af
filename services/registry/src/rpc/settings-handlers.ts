import type { Setting, SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { WallClock } from '@rondo/rpc/clock';
import { checkSetting } from '@rondo/rpc/internal';
import { mapMessages, observe } from '@rondo/rpc/middleware';
import type { Handlers } from '@rondo/rpc/server';
import { SettingNotFound } from '../domain/errors.js';
import { MAX_SETTINGS, type SettingRecord, type SettingsStore, settingId } from '../domain/settings.js';
import { identityOf, isOperator, type MayServe, requireOperator } from './callers.js';
import { toRpcError } from './faults.js';
import { checkService, isPrintable, Violations } from './field-rules.js';
import type { RefusalLog } from './refusal-log.js';

/** What the handlers work with. */
interface SettingsHandlerOptions {
  readonly settings: SettingsStore;
  readonly wallClock: WallClock;
  /** Tells which services a process with a certificate may register. */
  readonly mayServe: MayServe;
  /** Whether the registry has started so recently that processes still bring back what it knew. */
  readonly isNew: () => Promise<boolean>;
  /** Records each change. */
  readonly log: Logger;
  /** Records each change that a service tries. */
  readonly refusals: Pick<RefusalLog, 'recordCall'>;
}

const LEFT_OUT = "settings weren't restored: they aren't of the services of the process, and this registry isn't new";
/**
 * How far the version of a restored setting may be ahead of the registry's clock, in milliseconds. A greater
 * version would override later changes.
 */
const MAX_AHEAD_MS = 60_000;

/** Keys that have no value for every service. */
const OF_ONE_SERVICE: ReadonlySet<string> = new Set(['canary_percent', 'weights']);
/** Stands for every service without a setting of its own. */
const EVERY_SERVICE = '*';
const KEY = /^[a-z0-9_]{1,64}$/;
const MAX_VALUE_LENGTH = 1_024;
const MAX_AUTHOR_LENGTH = 128;
const MAX_VERSION = 2n ** 53n;

/** The handlers of the settings over a store. */
export function settingsHandlers(options: SettingsHandlerOptions): Handlers<typeof SettingsServiceDefinition> {
  const { settings, log, refusals } = options;
  const audit = (record: SettingRecord, before: SettingRecord | undefined, peer: string) => {
    const { service, key, value, author } = record;
    const fields = { target: service, key, old: before?.value ?? null, new: value ?? null, author, peer };
    log.info(fields, value === undefined ? 'a setting was unset' : 'a setting was set');
  };
  return {
    async listSettings() {
      const records = settings.list().filter(({ value }) => value !== undefined);
      return { settings: records.toSorted(byId).map(toSetting) };
    },
    async updateSetting({ setting }, call) {
      const change = parseUpdate(setting);
      refuseServices(call, refusals);
      const { before, after } = await withStatus(settings.change(change));
      audit(after, before, call.peer);
      return { setting: toSetting(after), oldValue: before?.value };
    },
    async deleteSetting({ service, key, author }, call) {
      parseAddress({ service, key, author });
      refuseServices(call, refusals);
      const present = settings.list().find((record) => record.service === service && record.key === key);
      if (present?.value === undefined) throw toRpcError(new SettingNotFound(service, key));
      const { before, after } = await withStatus(settings.change({ service, key, author, value: undefined }));
      audit(after, before, call.peer);
      return { oldValue: before?.value ?? '' };
    },
    async restoreSettings({ settings: given }, call) {
      const { peer } = call;
      const records = parseRestore(given);
      const allowed = await restorable(records, call, options);
      await withStatus(settings.restore(allowed));
      log.info({ settings: allowed.length, peer }, 'a process has restored settings that this registry lacked');
      const leftOut = records.length - allowed.length;
      if (leftOut > 0) log.warn({ leftOut, peer, identity: identityOf(call) }, LEFT_OUT);
      return {};
    },
    watchSettings(_, { signal }) {
      const events = settings.watch(signal);
      return mapMessages(observe(events, { error: toRpcError }), (records) => ({ settings: records.map(toSetting) }));
    },
  };
}

/** @throws RpcError `PERMISSION_DENIED` if the caller's certificate is a service's. */
function refuseServices(call: ServerCall, refusals: SettingsHandlerOptions['refusals']): void {
  try {
    requireOperator(call, 'change settings');
  } catch (fault) {
    refusals.recordCall(fault, call.peer);
    throw toRpcError(fault);
  }
}

/**
 * The records that the caller may restore: those of its own services, and other records only while this registry
 * has just started and lacks them. A stolen certificate can thus change no known setting of other services.
 */
async function restorable(
  records: readonly SettingRecord[],
  call: ServerCall,
  { settings, wallClock, mayServe, isNew }: SettingsHandlerOptions,
): Promise<readonly SettingRecord[]> {
  const identity = identityOf(call);
  if (identity === undefined || isOperator(identity)) return records;
  const latest = BigInt(wallClock.now().getTime() + MAX_AHEAD_MS);
  const isOwn = ({ service }: SettingRecord) => mayServe(identity, service);
  const inTime = records.filter(({ version }) => version <= latest);
  if (inTime.every(isOwn)) return inTime;
  const known = new Set(settings.list().map(settingId));
  const fresh = await isNew();
  return inTime.filter((record) => isOwn(record) || (fresh && !known.has(settingId(record))));
}

function parseUpdate(setting: Setting | undefined) {
  const { service = '', key = '', author = '', value } = setting ?? {};
  const violations = checkAddress({ service, key, author }, 'setting.');
  if (value === undefined) throw violations.with('setting.value', 'is missing; DeleteSetting deletes a setting');
  const fault = checkSetting(key, value);
  if (fault !== undefined) throw violations.with(`setting.${fault.field}`, fault.description);
  violations.check(
    service !== EVERY_SERVICE || !OF_ONE_SERVICE.has(key),
    'setting.service',
    `is *, and ${key} is for one service at a time; name the service`,
  );
  violations.refuse();
  return { service, key, author, value };
}

interface Address {
  readonly service: string;
  readonly key: string;
  readonly author: string;
}

function parseAddress(address: Address): void {
  checkAddress(address, '').refuse();
}

function checkAddress({ service, key, author }: Address, prefix: string): Violations {
  const violations = new Violations();
  if (service !== EVERY_SERVICE) checkService(service, `${prefix}service`, violations);
  violations.check(KEY.test(key), `${prefix}key`, 'must be 1 to 64 characters of a-z 0-9 _');
  const rule = `must have at most ${MAX_AUTHOR_LENGTH} characters, none of them a control character`;
  violations.check(author.length <= MAX_AUTHOR_LENGTH && isPrintable(author), `${prefix}author`, rule);
  return violations;
}

/** Records of a later version may have keys that this registry doesn't know: it keeps them. */
function parseRestore(settings: readonly Setting[]): readonly SettingRecord[] {
  const violations = new Violations();
  violations.check(settings.length <= MAX_SETTINGS, 'settings', `must be at most ${MAX_SETTINGS}`);
  violations.refuse();
  const records = settings.map((setting, index): SettingRecord => {
    const { service, key, value, version, author, updateTime } = setting;
    const at = `settings[${index}].`;
    const faults = checkAddress({ service, key, author }, at);
    faults.check(
      (value ?? '').length <= MAX_VALUE_LENGTH && isPrintable(value ?? ''),
      `${at}value`,
      `must have at most ${MAX_VALUE_LENGTH} characters, none of them a control character`,
    );
    faults.check(
      version > 0n && version < MAX_VERSION,
      `${at}version`,
      'must be from 1 to 2^53, as a registry has set it',
    );
    faults.refuse();
    return { service, key, value, version, author, updateTimeMs: updateTime?.getTime() ?? 0 };
  });
  return records;
}

function toSetting({ updateTimeMs, ...record }: SettingRecord): Setting {
  return { ...record, updateTime: new Date(updateTimeMs) };
}

function byId(a: SettingRecord, b: SettingRecord): number {
  return settingId(a) < settingId(b) ? -1 : 1;
}

async function withStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (fault) {
    throw toRpcError(fault);
  }
}
