import {
  BALANCING_RANGES,
  type Balancing,
  checkBalancing,
  DEFAULT_BALANCING,
  isPolicyName,
  unknownPolicy,
} from './balancing.js';
import { BREAKER_RANGES, type BreakerPolicy } from './breaker-policy.js';
import { BULKHEAD_RANGES, type BulkheadPolicy } from './bulkhead-policy.js';
import { nearest } from './nearest.js';

/** The name that stands for every service without an entry of its own. */
export const EVERY_SERVICE = '*';

/**
 * Balancing set outside the contracts, by fully qualified service; `*` is for every service without an entry of its
 * own. Settings that are left out are as in the contract.
 */
export type BalancingOverrides = Readonly<Record<string, Partial<Balancing>>>;

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
export interface SettingText<T> {
  /** Parses one setting, such as `on?slow=200ms&percent=30`. */
  parseOne(text: string): Parsed<T>;
  /** Parses `service=setting`, several separated by commas, such as `sales.v1.OrderService=on,*=off`. */
  parse(text: string): Parsed<Readonly<Record<string, T>>>;
  /** Writes settings as `parse` reads them. */
  format(overrides: Readonly<Record<string, T>>): string;
}

/** The texts of balancing, as in `RONDO_BALANCING`: `weighted_round_robin?weights=load&slow_start=30s`. */
export const balancingText: SettingText<Partial<Balancing>> = settingText({
  entry: 'service=policy',
  withMethods: false,
  parseOne: parseBalancing,
  formatOne: ({ policy = '', ...rest }) => policy + formatFields(rest, BALANCING_FIELDS),
});

/** The texts of breakers, as in `RONDO_BREAKER`: `off` or `on[?key=value[&key=value]]`. */
export const breakerText = guardText<BreakerPolicy>({
  percent: { name: 'failurePercent', range: BREAKER_RANGES.failurePercent, unit: 'count' },
  slow: { name: 'slowCallMs', range: BREAKER_RANGES.slowCallMs, unit: 'ms' },
  window: { name: 'windowMs', range: BREAKER_RANGES.windowMs, unit: 'ms' },
  min_calls: { name: 'minCalls', range: BREAKER_RANGES.minCalls, unit: 'count' },
  probes: { name: 'probes', range: BREAKER_RANGES.probes, unit: 'count' },
});

/** The texts of bulkheads, as in `RONDO_BULKHEAD`: `off` or `on?max_calls=N[&key=value]`. */
export const bulkheadText = guardText<BulkheadPolicy>(
  {
    max_calls: { name: 'maxCalls', range: BULKHEAD_RANGES.maxCalls, unit: 'count' },
    max_queued: { name: 'maxQueued', range: BULKHEAD_RANGES.maxQueued, unit: 'count' },
    queue_timeout: { name: 'queueTimeoutMs', range: BULKHEAD_RANGES.queueTimeoutMs, unit: 'ms' },
  },
  'max_calls',
);

/** One `key=value`: the name of the field in code, and what the value may be. */
type Field<P> = { readonly name: keyof P & string } & (
  | { readonly words: readonly string[] }
  | {
      readonly range: readonly [min: number, max: number];
      readonly unit: 'ms' | 'count';
      /** Says that there is no value, also if the contract has one. */
      readonly none?: string;
    }
);

type Fields<P> = Readonly<Record<string, Field<P>>>;

const BALANCING_FIELDS: Fields<Balancing> = {
  weights: { name: 'weights', words: ['static', 'load'] },
  slow_start: { name: 'slowStartMs', range: BALANCING_RANGES.slowStartMs, unit: 'ms' },
  subset: { name: 'subsetSize', range: BALANCING_RANGES.subsetSize, unit: 'count', none: 'all' },
  hash_balance_factor: {
    name: 'hashBalanceFactor',
    range: BALANCING_RANGES.hashBalanceFactor,
    unit: 'count',
    none: 'off',
  },
};

function parseBalancing(text: string): Parsed<Partial<Balancing>> {
  const { head: name, list } = splitSetting(text);
  const policy = isPolicyName(name) ? name : undefined;
  const fields = parseFields(list, BALANCING_FIELDS);
  const value = { ...(policy && { policy }), ...fields.value };
  const faults = [...(policy ? [] : [unknownPolicy(name)]), ...fields.faults];
  if (faults.length > 0) return { value, faults };
  const fault = checkBalancing({ ...DEFAULT_BALANCING, ...value });
  return { value, faults: fault === undefined ? [] : [fault] };
}

/** @param required the key that `on` needs. */
function guardText<P>(fields: Fields<P>, required?: string): SettingText<Partial<P> | 'off'> {
  return settingText<Partial<P> | 'off'>({
    entry: 'service=on or service=off',
    withMethods: true,
    parseOne(text) {
      const { head, list } = splitSetting(text);
      if (head === 'off' && list === undefined) return { value: 'off', faults: [] };
      const { value, faults } = parseFields(list, fields);
      if (head !== 'on') return { value, faults: [`"${head}" is neither on nor off`, ...faults] };
      const name = required && fields[required]?.name;
      const missing = name === undefined || name in value ? [] : [`on needs ${required}, such as on?${required}=10`];
      return { value, faults: [...missing, ...faults] };
    },
    formatOne: (setting) => (setting === 'off' ? 'off' : `on${formatFields<Partial<P>>(setting, fields)}`),
  });
}

interface EntryText<T> {
  /** What an entry is, for messages. */
  readonly entry: string;
  /** Whether methods have entries of their own. */
  readonly withMethods: boolean;
  parseOne(text: string): Parsed<T>;
  formatOne(setting: T): string;
}

const TARGET = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?<method>\/[A-Za-z_]\w*)?$/;

function settingText<T>({ entry: what, withMethods, parseOne, formatOne }: EntryText<T>): SettingText<T> {
  const methods = withMethods ? ', with /Method after it for one method;' : ', and';
  const rule = `a service is written in full, such as calculator.v1.CalculatorService${methods} * stands for all others`;
  const isTarget = (target: string) => {
    const found = TARGET.exec(target);
    return target === EVERY_SERVICE || (found !== null && (withMethods || found.groups?.['method'] === undefined));
  };
  return {
    parseOne,
    parse(text) {
      const settings = new Map<string, T>();
      const faults: string[] = [];
      for (const entry of text.split(',').map((part) => part.trim())) {
        const [, target = '', setting] = /^([^=]+?)\s*=(.*)$/s.exec(entry) ?? [];
        if (setting === undefined) {
          faults.push(`"${entry}" is not ${what}`);
          continue;
        }
        const parsed = parseOne(setting);
        const twice = settings.has(target) ? ['it has an entry already'] : [];
        faults.push(
          ...[...(isTarget(target) ? twice : [rule]), ...parsed.faults].map((fault) => `${target}: ${fault}`),
        );
        settings.set(target, parsed.value);
      }
      return { value: Object.fromEntries(settings), faults };
    },
    format: (overrides) =>
      Object.entries(overrides)
        .map(([target, setting]) => `${target}=${formatOne(setting)}`)
        .join(','),
  };
}

/** The parts of `head[?list]`. */
function splitSetting(text: string): { readonly head: string; readonly list: string | undefined } {
  const [, head = '', list] = /^([^?]*)(?:\?(.*))?$/s.exec(text.trim()) ?? [];
  return { head, list };
}

/** Parses `key=value[&key=value]`. A field whose value is wrong is undefined. */
function parseFields<P>(list: string | undefined, fields: Fields<P>): Parsed<Partial<P>> {
  const value: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const part of list?.split('&') ?? []) {
    const [key = '', given = ''] = part.split('=', 2);
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined) faults.push(unknownKey(key, Object.keys(fields)));
    else if (Object.hasOwn(value, field.name)) faults.push(`${key} is set twice`);
    else {
      const read = readField(given, field);
      if (read === INVALID) faults.push(`${key}=${given} is not ${ruleOf(field)}`);
      value[field.name] = read === INVALID ? undefined : read;
    }
  }
  // The fields in `value` are those of P, by the tables above.
  return { value: value as Partial<P>, faults };
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const hint = meant === undefined ? '' : `is ${meant} meant? `;
  return `there is no setting "${key}": ${hint}there are ${known.join(', ')}`;
}

const INVALID = Symbol('invalid');
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readField<P>(text: string, field: Field<P>): number | string | undefined | typeof INVALID {
  if ('words' in field) return field.words.includes(text) ? text : INVALID;
  const { range, unit, none } = field;
  if (text === none) return undefined;
  const [, amount, suffix = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([a-z]*)$/.exec(text) ?? [];
  const number = Number(amount) * (unit === 'ms' ? (UNITS_MS[suffix] ?? Number.NaN) : suffix === '' ? 1 : Number.NaN);
  const value = unit === 'ms' ? Math.round(number) : number;
  return Number.isInteger(value) && value >= range[0] && value <= range[1] ? value : INVALID;
}

function ruleOf<P>(field: Field<P>): string {
  if ('words' in field) return field.words.join(' or ');
  const [min, max] = field.range;
  if (field.unit === 'ms') return `from ${formatMs(min)} to ${formatMs(max)}, such as 30s`;
  return `a whole number from ${min} to ${max}${field.none === undefined ? '' : `, or ${field.none}`}`;
}

function formatMs(ms: number): string {
  const [unit, factor] = Object.entries(UNITS_MS).findLast(([, size]) => ms >= size && ms % size === 0) ?? ['s', 1];
  return `${ms / factor}${unit}`;
}

/** Writes fields as {@link parseFields} reads them, after a question mark; empty if there are none. */
function formatFields<P>(setting: Partial<P>, fields: Fields<P>): string {
  const values = new Map<string, unknown>(Object.entries(setting));
  const parts = Object.entries(fields).flatMap(([key, field]) => {
    const value = values.get(field.name);
    if (typeof value === 'number')
      return [`${key}=${'unit' in field && field.unit === 'ms' ? formatMs(value) : value}`];
    if (typeof value === 'string') return [`${key}=${value}`];
    return values.has(field.name) && 'none' in field ? [`${key}=${field.none}`] : [];
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
