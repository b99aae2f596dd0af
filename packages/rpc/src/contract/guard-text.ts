import { BREAKER_RANGES, type BreakerPolicy } from './breaker-policy.js';
import { BULKHEAD_RANGES, type BulkheadPolicy } from './bulkhead-policy.js';
import { nearest } from './nearest.js';

/** The name that stands for every service without an entry of its own. */
const EVERY_SERVICE = '*';

/**
 * The settings of breakers or bulkheads outside the contracts, by fully qualified service, `service/Method`, or `*` for every
 * service without an entry. Settings that are left out are as in the contract; `off` means none.
 */
export type GuardOverrides<P> = Readonly<Record<string, Partial<P> | 'off'>>;

/** Breakers set outside the contracts. */
export type BreakerOverrides = GuardOverrides<BreakerPolicy>;
/** Bulkheads set outside the contracts. */
export type BulkheadOverrides = GuardOverrides<BulkheadPolicy>;

/** A parsed setting or configuration, and every fault in it. */
export interface Parsed<T> {
  readonly value: T;
  readonly faults: readonly string[];
}

/** Reads and writes settings of one kind. */
export interface GuardText<P> {
  /** Parses `off` or `on[?key=value[&key=value]]`, such as `on?slow=200ms&percent=30`. */
  parseOne(text: string): Parsed<Partial<P> | 'off'>;
  /** Parses `service[/Method]=setting`, several separated by commas, such as `sales.v1.OrderService=on,*=off`. */
  parse(text: string): Parsed<GuardOverrides<P>>;
  /** Writes a setting as `parseOne` reads it. */
  formatOne(setting: Partial<P> | 'off'): string;
  /** Writes settings as `parse` reads them. */
  format(overrides: GuardOverrides<P>): string;
}

/** One `key=value`: the name of the setting in code, its range, and whether it is a duration. */
interface Setting {
  readonly name: string;
  readonly range: readonly [min: number, max: number];
  readonly unit: 'ms' | 'count';
}

type Settings = Readonly<Record<string, Setting>>;

const BREAKER_SETTINGS: Settings = {
  percent: { name: 'failurePercent', range: BREAKER_RANGES.failurePercent, unit: 'count' },
  slow: { name: 'slowCallMs', range: BREAKER_RANGES.slowCallMs, unit: 'ms' },
  window: { name: 'windowMs', range: BREAKER_RANGES.windowMs, unit: 'ms' },
  min_calls: { name: 'minCalls', range: BREAKER_RANGES.minCalls, unit: 'count' },
  probes: { name: 'probes', range: BREAKER_RANGES.probes, unit: 'count' },
};

const BULKHEAD_SETTINGS: Settings = {
  max_calls: { name: 'maxCalls', range: BULKHEAD_RANGES.maxCalls, unit: 'count' },
  max_queued: { name: 'maxQueued', range: BULKHEAD_RANGES.maxQueued, unit: 'count' },
  queue_timeout: { name: 'queueTimeoutMs', range: BULKHEAD_RANGES.queueTimeoutMs, unit: 'ms' },
};

/** The texts of breakers, as in `RONDO_BREAKER`. */
export const breakerText: GuardText<BreakerPolicy> = guardText(BREAKER_SETTINGS, []);
/** The texts of bulkheads, as in `RONDO_BULKHEAD`. */
export const bulkheadText: GuardText<BulkheadPolicy> = guardText(BULKHEAD_SETTINGS, ['max_calls']);

const TARGET = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\/[A-Za-z_]\w*)?$/;
const TARGET_RULE =
  'a service is written in full, such as calculator.v1.CalculatorService, with /Method after it for one method; * stands for all others';

/** @param required the settings that `on` needs. */
function guardText<P>(settings: Settings, required: readonly string[]): GuardText<P> {
  const parseOne = (text: string) => parseSetting<P>(text, settings, required);
  const formatOne = (setting: Partial<P> | 'off') => formatSetting(setting, settings);
  return {
    parseOne,
    formatOne,
    parse(text) {
      const value: Record<string, Partial<P> | 'off'> = {};
      const faults: string[] = [];
      for (const entry of text.split(',').map((part) => part.trim())) {
        const [, target = '', spec] = /^([^=]+?)\s*=(.*)$/s.exec(entry) ?? [];
        if (spec === undefined) {
          faults.push(`"${entry}" is not service=on or service=off`);
          continue;
        }
        const parsed = parseOne(spec);
        const inTarget = checkTarget(target, Object.hasOwn(value, target));
        faults.push(...[...inTarget, ...parsed.faults].map((fault) => `${target}: ${fault}`));
        value[target] = parsed.value;
      }
      return { value, faults };
    },
    format: (overrides) =>
      Object.entries(overrides)
        .map(([target, setting]) => `${target}=${formatOne(setting)}`)
        .join(','),
  };
}

function checkTarget(target: string, twice: boolean): readonly string[] {
  if (target !== EVERY_SERVICE && !TARGET.test(target)) return [TARGET_RULE];
  return twice ? ['it has an entry already'] : [];
}

function parseSetting<P>(text: string, settings: Settings, required: readonly string[]): Parsed<Partial<P> | 'off'> {
  const [, state = '', list] = /^([^?]*)(?:\?(.*))?$/s.exec(text.trim()) ?? [];
  if (state === 'off' && list === undefined) return { value: 'off', faults: [] };
  const read = (list === undefined ? [] : list.split('&')).map((part) => part.split('=', 2));
  const faults = state === 'on' ? [] : [`"${state}" is neither on nor off`];
  const missing = required.find((name) => !read.some(([key]) => key === name));
  if (state === 'on' && missing !== undefined) faults.push(`on needs ${missing}, such as on?${missing}=10`);
  const value: Record<string, number> = {};
  for (const [key = '', given = ''] of read) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (setting === undefined) {
      faults.push(unknownSetting(key, Object.keys(settings)));
    } else if (Object.hasOwn(value, setting.name)) faults.push(`${key} is set twice`);
    else {
      const number = readNumber(given, setting);
      if (number === undefined) faults.push(`${key}=${given} is not ${ruleOf(setting)}`);
      value[setting.name] = number ?? 0;
    }
  }
  // The names in `value` are those of P's fields, by the tables above.
  return { value: value as Partial<P>, faults };
}

function unknownSetting(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const hint = meant === undefined ? '' : `is ${meant} meant? `;
  return `there is no setting "${key}": ${hint}there are ${known.join(', ')}`;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readNumber(text: string, { range: [min, max], unit }: Setting): number | undefined {
  const [, amount, suffix = ''] = /^(\d{1,9})([a-z]*)$/.exec(text) ?? [];
  const factor = unit === 'ms' ? UNITS_MS[suffix] : suffix === '' ? 1 : undefined;
  const value = Number(amount) * (factor ?? Number.NaN);
  return value >= min && value <= max ? value : undefined;
}

function ruleOf({ range: [min, max], unit }: Setting): string {
  return unit === 'ms'
    ? `from ${formatMs(min)} to ${formatMs(max)}, such as 1s`
    : `a whole number from ${min} to ${max}`;
}

function formatMs(ms: number): string {
  const [unit, factor] = Object.entries(UNITS_MS).findLast(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}

function formatSetting<P>(setting: Partial<P> | 'off', settings: Settings): string {
  if (setting === 'off') return 'off';
  const values = new Map<string, unknown>(Object.entries(setting));
  const parts = Object.entries(settings).flatMap(([key, { name, unit }]) => {
    const value = values.get(name);
    if (typeof value !== 'number') return [];
    return [`${key}=${unit === 'ms' ? formatMs(value) : value}`];
  });
  return parts.length === 0 ? 'on' : `on?${parts.join('&')}`;
}
