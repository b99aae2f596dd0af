import type { Balancing } from '../contract/balancing.js';
import type { BreakerPolicy } from '../contract/breaker-policy.js';
import type { BulkheadPolicy } from '../contract/bulkhead-policy.js';
import { nearest } from '../contract/nearest.js';
import { balancingText, type Parsed, parseBreaker, parseBulkhead } from '../contract/setting-text.js';
import { CANARY_RULE, parseCanaryPercent } from '../resolver/canary.js';
import type { MaxCalls } from '../server/admission/admission.js';
import { maxCallsText } from '../server/admission/max-calls-text.js';

/** Log levels, as in pino. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A setting that operators change while processes run. */
export interface SettingKey<T> {
  /** What it changes, and in which processes, as the end of a sentence. */
  readonly effect: string;
  /** The rule for values, as a noun phrase. */
  readonly rule: string;
  /** A valid value. */
  readonly example: string;
  parse(text: string): Parsed<T>;
}

/** One of pino's log levels. */
type LogLevel = (typeof LOG_LEVELS)[number];

const logLevel: SettingKey<LogLevel> = {
  effect: 'the lowest level that instances of the service log',
  rule: LOG_LEVELS.join(', '),
  example: 'debug',
  parse(text) {
    const level = LOG_LEVELS.find((known) => known === text);
    return level === undefined ? { value: 'info', faults: ['no such level'] } : { value: level, faults: [] };
  },
};

const SWITCH = ['on', 'off'] as const;

/** A setting that turns something on and off. */
function switching(effect: string): SettingKey<(typeof SWITCH)[number]> {
  return {
    effect,
    rule: SWITCH.join(' or '),
    example: 'off',
    parse(text) {
      const value = SWITCH.find((known) => known === text);
      return value === undefined ? { value: 'on', faults: ['neither on nor off'] } : { value, faults: [] };
    },
  };
}

const maxCalls: SettingKey<MaxCalls> = {
  effect: 'the bounds of the calls in flight at instances of the service',
  rule: 'numbers from 1 to 1000000, comma-separated, as in RONDO_MAX_CALLS',
  example: maxCallsText.example,
  parse: maxCallsText.parse,
};

const balancing: SettingKey<Partial<Balancing>> = {
  effect: 'how clients of the service share out their calls',
  rule: 'policy[?key=value&…] as in RONDO_BALANCING, without subset',
  example: 'weighted_round_robin?weights=load&slow_start=30s',
  parse(text) {
    const { value, faults } = balancingText.parseOne(text);
    const subset = 'subsetSize' in value ? ["subset can't change while processes run"] : [];
    return { value, faults: [...faults, ...subset] };
  },
};

const breaker: SettingKey<Partial<BreakerPolicy> | 'off'> = {
  effect: 'the circuit breakers of clients of the service',
  rule: 'on[?key=value&…] or off',
  example: 'on?slow=200ms&percent=30',
  parse: parseBreaker,
};

const bulkhead: SettingKey<Partial<BulkheadPolicy> | 'off'> = {
  effect: 'how many calls of a method clients of the service have in flight',
  rule: 'on?max_calls=N[&key=value&…] or off',
  example: 'on?max_calls=50&max_queued=100',
  parse: parseBulkhead,
};

const canaryPercent: SettingKey<number> = {
  effect: 'the share of calls that the canaries of the service get, whatever number their label has',
  rule: CANARY_RULE,
  example: '5',
  parse(text) {
    const value = parseCanaryPercent(text);
    return value === undefined ? { value: 0, faults: ['no percentage'] } : { value, faults: [] };
  },
};

/** The weight of each instance, by the id that it gave itself: behind some, the registry puts the name of a certificate. */
type Weights = ReadonlyMap<string, number>;

const weights: SettingKey<Weights> = {
  effect: 'the weights of instances of the service, in place of their RONDO_WEIGHT',
  rule: 'instance=N, several with &, from 1 to 1000',
  example: 'calculator-1=100&calculator-2=10',
  parse(text) {
    const entries = text.split('&').map((entry): [string, number] => {
      const { id = '', weight } = /^(?<id>[\w.-]{1,128})(?:@[\w./-]+)?=(?<weight>\d{1,4})$/.exec(entry)?.groups ?? {};
      return [id, Number(weight)];
    });
    const isValid = entries.every(([, weight]) => weight >= 1 && weight <= 1_000);
    return isValid ? { value: new Map(entries), faults: [] } : { value: new Map(), faults: ['not such a list'] };
  },
};

/** All settings by key. A new one needs an entry here, and a listener in the process that it changes. */
export const SETTING_KEYS = {
  log_level: logLevel,
  admission: switching('whether instances of the service refuse calls that would only queue'),
  max_calls: maxCalls,
  cache: switching('whether clients of the service keep its answers'),
  balancing,
  breaker,
  bulkhead,
  canary_percent: canaryPercent,
  weights,
} as const;

/** The keys of {@link SETTING_KEYS}. */
export type SettingName = keyof typeof SETTING_KEYS;

export type SettingValue<K extends SettingName> = (typeof SETTING_KEYS)[K] extends SettingKey<infer T> ? T : never;

const NAMES = Object.keys(SETTING_KEYS);
/** The longest value of any setting. Characters. */
const MAX_VALUE_LENGTH = 1_024;

/** Whether a setting with this key exists. */
export function isSettingName(key: string): key is SettingName {
  return Object.hasOwn(SETTING_KEYS, key);
}

/** What is wrong with a setting, and with which of its parts; undefined if nothing is. */
export function checkSetting(
  key: string,
  value: string,
): { readonly field: 'key' | 'value'; readonly description: string } | undefined {
  if (!isSettingName(key)) {
    const meant = nearest(key, NAMES);
    const hint = meant === undefined ? '' : `is ${meant} meant? `;
    return {
      field: 'key',
      description: `there is no setting "${key.slice(0, 64)}": ${hint}there are ${NAMES.join(', ')}`,
    };
  }
  const { rule, example, parse } = SETTING_KEYS[key];
  const faults = value.length > MAX_VALUE_LENGTH ? [`longer than ${MAX_VALUE_LENGTH} characters`] : parse(value).faults;
  if (faults.length === 0) return undefined;
  const shown = value.slice(0, 64);
  return { field: 'value', description: `"${shown}" (${faults.join('; ')}); ${key} is ${rule}, such as ${example}` };
}
