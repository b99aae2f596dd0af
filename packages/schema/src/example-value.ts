import type { JsonValue } from '@bufbuild/protobuf';
import type { Rule } from './rules.js';

/** The rules of one value by their names without its type: `min_len`, `required`. */
export type Limits = ReadonlyMap<string, JsonValue>;

/** The rules of a field, or of what it holds if `prefix` is `repeated.items.`, for example. */
export function limitsOf(rules: readonly Rule[], prefix = ''): Limits {
  const of = rules.filter(({ name }) => name.startsWith(prefix));
  return new Map(of.map(({ name, value }) => [name.slice(prefix.length).replace(/^\w+\./, ''), value]));
}

/** The values that the contract names as examples, or as the only ones that are accepted. */
export const listed = (limits: Limits, names = ['example', 'const', 'in']): readonly JsonValue[] =>
  names.flatMap((name) => limits.get(name) ?? []);

/** Values that have an order. */
interface Ordered {
  /** Those to take if the rules accept them, the first first. */
  readonly usual: readonly number[];
  readonly isWhole?: boolean;
  readonly read?: (value: JsonValue) => number;
  readonly write?: (value: number) => JsonValue;
}

/** A number that the rules accept; a usual one if they accept none of those that are tried. */
export function numberFor(limits: Limits, { usual, isWhole, read = Number, write = (one) => one }: Ordered): JsonValue {
  const bound = (name: string) => listed(limits, [name]).map(read)[0];
  const {
    gt = -Infinity,
    gte = gt,
    lt = Infinity,
    lte = lt,
  } = Object.fromEntries(['gt', 'gte', 'lt', 'lte'].map((name) => [name, bound(name)]));
  const tried = [...usual, gte, gte + 1, lte, lte - 1, (gte + lte) / 2].filter(Number.isFinite).map(write);
  const accepted = new Set(listed(limits, ['const', 'in']).map(read));
  const refused = new Set(listed(limits, ['not_in']).map(read));
  const found = [...listed(limits), ...tried].find((value) => {
    const one = read(value);
    const above = one >= gte && one > (bound('gt') ?? -Infinity);
    const below = one <= lte && one < (bound('lt') ?? Infinity);
    // With bounds in reverse order, the value lies outside of them.
    if (!(gte > lte ? above || below : above && below) || (isWhole && !Number.isInteger(one))) return false;
    if (refused.has(one) || (one === 0 && limits.has('required'))) return false;
    return accepted.size === 0 || accepted.has(one);
  });
  return found ?? write(usual[0] ?? 0);
}

/** A server's contract may ask for more than an example should have. */
const MAX_LENGTH = 1_000;

/** A text for each rule that names a common format. */
const FORMATS: readonly (readonly [rule: string, text: string])[] = [
  ['uuid', '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10'],
  ['tuuid', '0b4f8e526c1d4e8a9f273f6f0f9f3a10'],
  ['ulid', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ['well_known_regex', 'name'],
  ['email', 'ada@example.com'],
  ['hostname', 'example.com'],
  ['address', 'example.com'],
  ['host_and_port', 'example.com:443'],
  ['ip', '192.0.2.1'],
  ['ipv4', '192.0.2.1'],
  ['ipv6', '2001:db8::1'],
  ['uri', 'https://example.com'],
];

/** What a text consists of: the first that isn't refused. */
const FILLERS = ['text', ...'abcdefghijklmnop'];

/** A text that the rules accept. It is empty if they accept that. */
export function textFor(limits: Limits): string {
  const refused = new Set(listed(limits, ['not_in']));
  const accepted = listed(limits).filter((one) => !refused.has(one));
  const [named] = [...accepted, ...FORMATS.flatMap(([rule, text]) => (limits.has(rule) ? [text] : []))];
  if (named !== undefined) return String(named);
  const text = (name: string) => String(limits.get(name) ?? '');
  const begin = `${text('prefix')}${text('contains')}`;
  const lengths = ['len', 'min_len', 'len_bytes', 'min_bytes'].map((name) => Number(limits.get(name) ?? 0));
  const usual = limits.has('required') ? Math.min(4, Number(limits.get('max_len') ?? 4)) : 0;
  const least = Math.min(Math.max(...lengths, usual), MAX_LENGTH);
  const filled = (filler: string) => {
    const length = Math.max(filler === 'text' ? 0 : 1, least - begin.length - text('suffix').length);
    return `${begin}${filler.repeat(length).slice(0, length)}${text('suffix')}`;
  };
  const plain = filled(FILLERS.find((one) => !refused.has(filled(one))) ?? 'text');
  const pattern = text('pattern').slice(0, MAX_PATTERN);
  if (pattern === '') return plain;
  // A whole pattern is never run, as it may try any number of ways to match: only its single characters are.
  const [, atom] = REPEATED.exec(pattern) ?? [];
  return atom && [...plain].every((one) => matches(atom, one)) ? plain : matching(pattern).slice(0, MAX_LENGTH);
}

/** Longer patterns are cut. */
const MAX_PATTERN = 200;
const SET = String.raw`\[(?:\\.|[^\]\\])*\]`;
const TIMES = String.raw`(?:([?*])\??|\+\??|\{(\d+)(?:,\d*)?\}\??)?`;
const GROUP = new RegExp(String.raw`(?<!\\)\((?:\?:)?((?:\\.|${SET}|[^()[\\])*)\)${TIMES}`, 'u');
const CHARACTER = String.raw`(\\[pP]\{\w+\}|\\.|${SET}|[^\\[])`;
const ATOM = new RegExp(`${CHARACTER}${TIMES}`, 'gu');
const REPEATED = new RegExp(String.raw`^\^?${CHARACTER}[*+]\$?$`, 'u');

/** A text for a pattern of the usual kind: the first of alternatives, the first of characters, as few as may be. */
function matching(pattern: string): string {
  const [group, inner = '', none, count] = GROUP.exec(pattern) ?? [];
  if (group !== undefined) {
    const text = repeat(matching(inner), none, count).replace(/\W/gu, String.raw`\$&`);
    return matching(pattern.replace(group, () => text).slice(0, MAX_LENGTH));
  }
  const [first = ''] = pattern.split('|');
  return [...first.matchAll(ATOM)].map(([, atom = '', few, many]) => repeat(characterOf(atom), few, many)).join('');
}

const repeat = (text: string, none: string | undefined, count = '1') =>
  none === undefined ? text.repeat(Math.min(Number(count), MAX_LENGTH)).slice(0, MAX_LENGTH) : '';

function characterOf(atom: string): string {
  if (/^[$^]$/.test(atom)) return '';
  if (!/^(?:\.|\[.*\]|\\[dsw]|\\p.+)$/isu.test(atom)) return atom.slice(-1);
  return [...'a0A-_. /:@', ...atom].find((one) => matches(atom, one)) ?? '';
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return false; // of RE2, and none of JavaScript
  }
}
