import {
  type Balancing,
  checkBalancing,
  DEFAULT_BALANCING,
  isHashBalanceFactor,
  isPolicyName,
  isSlowStart,
  isSubsetSize,
  POLICY_NAMES,
  unknownPolicy,
} from './balancing.js';
import { nearest } from './nearest.js';

/**
 * Balancing set outside the contracts, by fully qualified service; `*` is for every service without an entry of its
 * own. Settings that are left out are as in the contract.
 */
export type BalancingOverrides = Readonly<Record<string, Partial<Balancing>>>;

/** The result of parsing a configuration: the settings, and every fault in it. */
export interface ParsedBalancing {
  readonly overrides: BalancingOverrides;
  readonly faults: readonly string[];
}

/** The name that stands for every service without an entry of its own. */
export const EVERY_SERVICE = '*';

const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

/**
 * Parses `service=policy[?key=value[&key=value]]`, several separated by commas, such as
 * `sales.v1.OrderService=weighted_round_robin?weights=load&slow_start=30s,*=random`.
 */
export function parseBalancing(text: string): ParsedBalancing {
  const overrides = new Map<string, Partial<Balancing>>();
  const faults: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, service = '', spec] = /^([^=]+?)\s*=(.*)$/s.exec(entry) ?? [];
    if (spec === undefined) {
      faults.push(`"${entry}" is not service=policy`);
      continue;
    }
    const { balancing, faults: inPolicy } = parsePolicy(spec);
    const inName = checkService(service, overrides.has(service));
    faults.push(...[...inName, ...inPolicy].map((fault) => `${service || '""'}: ${fault}`));
    overrides.set(service, balancing);
  }
  return { overrides: Object.fromEntries(overrides), faults };
}

/** The faults of overrides that code has made, each with its service. */
export function checkOverrides(overrides: BalancingOverrides): readonly string[] {
  return Object.entries(overrides).flatMap(([service, balancing]) => {
    // Without a policy, the contract's holds: one policy that allows the other settings is enough.
    const [fault, ...others] = POLICY_NAMES.map((policy) =>
      checkBalancing({ ...DEFAULT_BALANCING, policy, ...balancing }),
    );
    return fault === undefined || others.includes(undefined) ? [] : [`${service}: ${fault}`];
  });
}

/** Formats overrides as {@link parseBalancing} reads them. */
export function formatBalancing(overrides: BalancingOverrides): string {
  return Object.entries(overrides)
    .map(([service, balancing]) => `${service}=${formatPolicy(balancing)}`)
    .join(',');
}

function checkService(service: string, twice: boolean): readonly string[] {
  if (service !== EVERY_SERVICE && !SERVICE.test(service)) {
    return ['a service is written in full, such as calculator.v1.CalculatorService, and * stands for all others'];
  }
  return twice ? ['it has an entry already'] : [];
}

/** The result of parsing a policy: the settings, and every fault in it. */
export interface ParsedPolicy {
  readonly balancing: Partial<Balancing>;
  readonly faults: readonly string[];
}

/** Parses `policy[?key=value[&key=value]]`, such as `weighted_round_robin?weights=load&slow_start=30s`. */
export function parsePolicy(text: string): ParsedPolicy {
  const [, name = '', settings] = /^([^?]*)(?:\?(.*))?$/s.exec(text.trim()) ?? [];
  const policy = isPolicyName(name) ? name : undefined;
  const read = readSettings(settings);
  const balancing = { ...(policy && { policy }), ...Object.assign({}, ...read.map(({ setting }) => setting)) };
  const faults = [...(policy ? [] : [unknownPolicy(name)]), ...read.flatMap(({ fault = [] }) => fault)];
  if (faults.length > 0) return { balancing, faults };
  const fault = checkBalancing({ ...DEFAULT_BALANCING, ...balancing });
  return { balancing, faults: fault === undefined ? [] : [fault] };
}

/** Formats a policy as {@link parsePolicy} reads it. */
export function formatPolicy({ policy, weights, slowStartMs, ...rest }: Partial<Balancing>): string {
  const settings = [
    ...(weights === undefined ? [] : [`weights=${weights}`]),
    ...(slowStartMs === undefined ? [] : [`slow_start=${formatMs(slowStartMs)}`]),
    ...('subsetSize' in rest ? [`subset=${rest.subsetSize ?? ALL}`] : []),
    ...('hashBalanceFactor' in rest ? [`hash_balance_factor=${rest.hashBalanceFactor ?? OFF}`] : []),
  ];
  return [policy ?? '', ...(settings.length === 0 ? [] : [settings.join('&')])].join('?');
}

interface ReadSetting {
  readonly setting?: Partial<Balancing>;
  readonly fault?: string;
}

/** The value of `subset` for all instances; it overrides a subset in the contract. */
const ALL = 'all';
/** The value of `hash_balance_factor` for no bound; it overrides a bound in the contract. */
const OFF = 'off';

const SETTINGS: ReadonlyMap<string, (value: string) => ReadSetting> = new Map([
  ['weights', readWeights],
  ['slow_start', readSlowStart],
  ['subset', readSubset],
  ['hash_balance_factor', readHashBalanceFactor],
]);

function readWeights(value: string): ReadSetting {
  return value === 'static' || value === 'load' ? { setting: { weights: value } } : { fault: 'static or load' };
}

function readSlowStart(value: string): ReadSetting {
  const slowStartMs = parseMs(value);
  return isSlowStart(slowStartMs) ? { setting: { slowStartMs } } : { fault: 'from 0s to 1h, such as 30s' };
}

function readSubset(value: string): ReadSetting {
  if (value === ALL) return { setting: { subsetSize: undefined } };
  const subsetSize = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return isSubsetSize(subsetSize) ? { setting: { subsetSize } } : { fault: `from 1 to 10000, or ${ALL}` };
}

function readHashBalanceFactor(value: string): ReadSetting {
  if (value === OFF) return { setting: { hashBalanceFactor: undefined } };
  const factor = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  return isHashBalanceFactor(factor)
    ? { setting: { hashBalanceFactor: factor } }
    : { fault: `from 100 to 10000, or ${OFF}` };
}

function readSettings(text: string | undefined): readonly ReadSetting[] {
  if (text === undefined) return [];
  const parts = text.split('&').map((part) => part.split('=', 2));
  return parts.map(([key = '', value = ''], index) => {
    const read = SETTINGS.get(key);
    if (read === undefined) return { fault: unknownSetting(key) };
    if (parts.findIndex(([other]) => other === key) < index) return { fault: `${key} is set twice` };
    const { setting, fault } = read(value);
    return setting === undefined ? { fault: `${key}=${value} is not ${fault}` } : { setting };
  });
}

function unknownSetting(key: string): string {
  const known = [...SETTINGS.keys()];
  const meant = nearest(key, known);
  const hint = meant === undefined ? '' : `is ${meant} meant? `;
  return `there is no setting "${key}": ${hint}there are ${known.join(', ')}`;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function parseMs(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
}

const formatMs = (ms: number) => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`);
