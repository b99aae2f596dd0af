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

/** Reads and writes balancing, such as `weighted_round_robin?weights=load&slow_start=30s`. */
export const balancingText = {
  parseOne: parseBalancing,
  parse: parseOverrides,
  format: formatOverrides,
};

/** Reads a breaker: `off` or `on[?key=value[&key=value]]`. */
export const parseBreaker = guardParser<BreakerPolicy>({
  percent: { name: 'failurePercent', range: BREAKER_RANGES.failurePercent, unit: 'count' },
  slow: { name: 'slowCallMs', range: BREAKER_RANGES.slowCallMs, unit: 'ms' },
  window: { name: 'windowMs', range: BREAKER_RANGES.windowMs, unit: 'ms' },
  min_calls: { name: 'minCalls', range: BREAKER_RANGES.minCalls, unit: 'count' },
  probes: { name: 'probes', range: BREAKER_RANGES.probes, unit: 'count' },
});

/** Reads a bulkhead: `off` or `on?max_calls=N[&key=value]`. */
export const parseBulkhead = guardParser<BulkheadPolicy>(
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
function guardParser<P>(fields: Fields<P>, required?: string): (text: string) => Parsed<Partial<P> | 'off'> {
  return (text) => {
    const { head, list } = splitSetting(text);
    if (head === 'off' && list === undefined) return { value: 'off', faults: [] };
    const { value, faults } = parseFields(list, fields);
    if (head !== 'on') return { value, faults: [`"${head}" is neither on nor off`, ...faults] };
    const name = required && fields[required]?.name;
    const missing = name === undefined || name in value ? [] : [`on needs ${required}, such as on?${required}=10`];
    return { value, faults: [...missing, ...faults] };
  };
}

const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;
const SERVICE_RULE =
  'a service is written in full, such as calculator.v1.CalculatorService, and * stands for all others';

/** Parses `service=policy`, several separated by commas, as in `RONDO_BALANCING`. */
function parseOverrides(text: string): Parsed<BalancingOverrides> {
  const overrides = new Map<string, Partial<Balancing>>();
  const faults: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, service = '', setting] = /^([^=]+?)\s*=(.*)$/s.exec(entry) ?? [];
    if (setting === undefined) {
      faults.push(`"${entry}" is not service=policy`);
      continue;
    }
    const parsed = parseBalancing(setting);
    const twice = overrides.has(service) ? ['it has an entry already'] : [];
    const ofService = service === EVERY_SERVICE || SERVICE.test(service) ? twice : [SERVICE_RULE];
    faults.push(...[...ofService, ...parsed.faults].map((fault) => `${service}: ${fault}`));
    overrides.set(service, parsed.value);
  }
  return { value: Object.fromEntries(overrides), faults };
}

/** Writes overrides as {@link parseOverrides} reads them. */
function formatOverrides(overrides: BalancingOverrides): string {
  return Object.entries(overrides)
    .map(([service, { policy = '', ...rest }]) => `${service}=${policy}${formatFields(rest)}`)
    .join(',');
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

/** Writes the settings of a policy, after a question mark; empty if there are none. */
function formatFields(setting: Partial<Balancing>): string {
  const values = new Map<string, unknown>(Object.entries(setting));
  const parts = Object.entries(BALANCING_FIELDS).flatMap(([key, field]) => {
    const value = values.get(field.name);
    if (typeof value === 'number')
      return [`${key}=${'unit' in field && field.unit === 'ms' ? formatMs(value) : value}`];
    if (typeof value === 'string') return [`${key}=${value}`];
    return values.has(field.name) && 'none' in field ? [`${key}=${field.none}`] : [];
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
