/** The conditions under which a string or bytes violate their rules. */
import { getOption } from '@bufbuild/protobuf';
import {
  type BytesRules,
  predefined,
  type StringRules,
  StringRulesSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { compilePattern } from './pattern-program.js';

export function* string(rules: StringRules, asked: Asked): Conditions {
  const { has, value, constant } = asked;
  const same = (one: string) => JSON.stringify(one);
  if (has('const')) yield ['const', `${value} !== ${same(rules.const)}`, `must equal \`${rules.const}\``];
  yield* lengths(rules, asked);
  if (has('pattern')) {
    yield [
      'pattern',
      `!${patternOf(rules.pattern, constant)}.test(${value})`,
      `must match the pattern \`${rules.pattern}\``,
    ];
  }
  const { prefix, suffix, contains, notContains } = rules;
  if (has('prefix')) yield ['prefix', `!${value}.startsWith(${same(prefix)})`, `must begin with \`${prefix}\``];
  if (has('suffix')) yield ['suffix', `!${value}.endsWith(${same(suffix)})`, `must end with \`${suffix}\``];
  if (has('contains')) yield ['contains', `!${value}.includes(${same(contains)})`, `must contain \`${contains}\``];
  if (has('notContains')) {
    yield ['not_contains', `${value}.includes(${same(notContains)})`, `must not contain \`${notContains}\``];
  }
  yield* membership(
    rules,
    (values) => `${constant(`new globalThis.Set<unknown>(${JSON.stringify(values)})`)}.has(${value})`,
  );
  yield* wellKnown(rules, asked);
}

/** Most texts are so short or so long that they needn't be counted. */
function* lengths(rules: StringRules, { has, value }: Asked): Conditions {
  const points = `$v.codePoints(${value})`;
  const octets = `globalThis.Buffer.byteLength(${value})`;
  const units = `${value}.length`;
  const { len, minLen, maxLen, lenBytes, minBytes, maxBytes } = rules;
  const all = [
    ['len', `${points} !== ${len}`, `must be ${counted(len, 'character')}`],
    [
      'minLen',
      `${units} < ${minLen} || (${units} < ${minLen * 2n} && ${points} < ${minLen})`,
      `must be at least ${counted(minLen, 'character')}`,
    ],
    ['maxLen', `${units} > ${maxLen} && ${points} > ${maxLen}`, `must be at most ${counted(maxLen, 'character')}`],
    ['lenBytes', `${octets} !== ${lenBytes}`, `must be ${counted(lenBytes, 'byte')}`],
    ['minBytes', `${units} < ${minBytes} && ${octets} < ${minBytes}`, `must be at least ${counted(minBytes, 'byte')}`],
    [
      'maxBytes',
      `${units} * 3 > ${maxBytes} && ${octets} > ${maxBytes}`,
      `must be at most ${counted(maxBytes, 'byte')}`,
    ],
  ] as const;
  for (const [name, when, text] of all) if (has(name)) yield [StringRulesSchema.field[name].name, when, text];
}

function* wellKnown(rules: StringRules, { value }: Asked): Conditions {
  const { case: name, value: wanted } = rules.wellKnown;
  if (name === undefined || name === 'wellKnownRegex' || !wanted) return;
  const field = StringRulesSchema.field[name];
  const [rule, text] = [field.name, getOption(field, predefined).cel[0]?.message ?? ''];
  const isWrong = `!$s.isFormat("${name}", ${value})`;
  if (name === 'uriRef') yield [rule, isWrong, text];
  else {
    yield [`${rule}_empty`, `${value} === ""`, `${text}; it is empty`];
    yield [rule, `${value} !== "" && ${isWrong}`, text];
  }
}

const patternOf = (pattern: string, constant: Context['constant']) =>
  constant(`new $s.Pattern(${JSON.stringify(compilePattern(pattern))})`);

export function* bytes(rules: BytesRules, { has, value, constant }: Asked): Conditions {
  const hex = (one: Uint8Array) => Buffer.from(one).toString('hex');
  const of = (one: Uint8Array) => constant(`globalThis.Buffer.from("${hex(one)}", "hex")`);
  const size = `${value}.length`;
  if (has('const')) yield ['const', `!${of(rules.const)}.equals(${value})`, `must be ${hex(rules.const)}`];
  if (has('len')) yield ['len', `${size} !== ${rules.len}`, `must be ${counted(rules.len, 'byte')}`];
  if (has('minLen'))
    yield ['min_len', `${size} < ${rules.minLen}`, `must be at least ${counted(rules.minLen, 'byte')}`];
  if (has('maxLen')) yield ['max_len', `${size} > ${rules.maxLen}`, `must be at most ${counted(rules.maxLen, 'byte')}`];
  if (has('pattern')) {
    const text = `$v.utf8(${value})`;
    const when = `${text} === undefined || !${patternOf(rules.pattern, constant)}.test(${text} ?? "")`;
    yield ['pattern', when, `must be UTF-8 and match the pattern \`${rules.pattern}\``];
  }
}

/** What a rule of `buf.validate` becomes: the conditions under which a value violates it. */

export interface Context {
  /** The expression of the value. */
  readonly value: string;
  /** Declares a constant of the file, and returns its name. */
  readonly constant: (code: string, type?: string) => string;
  /** The numbers of an enum's values. */
  readonly values: readonly number[];
}

/** What a rule with presence of its own is looked up by. */
export interface Asked extends Context {
  readonly has: (name: string) => boolean;
}

/** The id of a rule in its kind, when the value violates it, and what it must be. */
export type Conditions = Generator<readonly [rule: string, when: string, text: string], void>;

/** Values that are allowed, and values that aren't. */
export function* membership<T>(
  rules: { readonly in: readonly T[]; readonly notIn: readonly T[] },
  among: (values: readonly T[]) => string,
  shown: (value: T) => unknown = (value) => value,
): Conditions {
  const listed = (values: readonly T[]) => `[${values.map(shown).join(', ')}]`;
  if (rules.in.length > 0) yield ['in', `!${among(rules.in)}`, `must be in list ${listed(rules.in)}`];
  if (rules.notIn.length > 0) yield ['not_in', among(rules.notIn), `must not be in list ${listed(rules.notIn)}`];
}

/** `2 items` */
export const counted = (count: bigint, one: string, many = `${one}s`): string =>
  `${count} ${count === 1n ? one : many}`;
