/** Corrects how ts-proto's code reads messages. Source: https://protobuf.dev/programming-guides/encoding/ */
import type { Context } from 'ts-proto/build/src/context.js';
import * as types from 'ts-proto/build/src/types.js';
import { type DecodedFile, messagesIn } from './decoded.js';

type Field = Parameters<typeof types.isMessage>[0];
/** An expression around a value. */
type Wrap = (value: string) => string;

/**
 * The code of a stub whose `decode` refuses what is no message, takes messages in each other to a depth of 100, merges the parts of
 * a field, and fills in the value that an entry of a map lacks.
 */
export function decoding(content: string, { options }: Context, file: DecodedFile): string {
  let corrected = CORRECTIONS.reduce((text, [found, replaced]) => text.replaceAll(found, replaced), content);
  for (const { name, message } of messagesIn(file, options)) {
    const start = corrected.indexOf(`const message = before ?? createBase${name}();`);
    const end = corrected.indexOf('return message;\n    } finally {', start);
    if (start < 0) continue;
    const singular = message.field.filter((field) => types.isMessage(field) && !types.isRepeated(field));
    const groups = message.field.filter((field) => field.type === GROUP && types.isRepeated(field));
    const body = groups.reduce(ending, singular.reduce(merging, corrected.slice(start, end)));
    const value = message.options?.mapEntry ? singular[0] : undefined;
    corrected = corrected.slice(0, start) + body + (value ? defaulting(body, value) : '') + corrected.slice(end);
  }
  return corrected;
}

/** A group has no length: its caller gives the tag that ends it, negative. */
const CORRECTIONS: readonly (readonly [string | RegExp, string])[] = [
  [/^( +decode\(input: .*, length\?: number)(\): (\w+))/gm, '$1, before?: $3$2'],
  [/(?<=length === undefined)( \? reader\.len : .*\n +const message =) (?=createBase)/g, ' || length < 0$1 before ?? '],
  ['previousRecursionDepth >= 100', 'previousRecursionDepth > 100'],
  ['"protobuf decode recursion limit exceeded"', '"it is nested more than 100 levels deep"'],
  [
    / +if \(\(tag & 7\) === 4 \|\| tag === 0\) \{\s+break;\s+\}\s+reader\.skip\(tag & 7\);\s+\}\n/g,
    `        if (-tag === length) return message;
        if (tag >>> 3 === 0) throw new globalThis.Error("a field has the number 0");
        reader.skip(tag & 7, tag >>> 3);
      }
      if (reader.pos !== end || (length !== undefined && length < 0)) throw new globalThis.Error("a field ends behind its message");
`,
  ],
];

/** The statement that reads the value of a field, in a oneof with the field's name. */
const STATEMENT = /(?<member>message\.\w+) = (?:\{ \$case: (?<choice>"\w+"), value: (?<chosen>.*) \}|(?<read>.*));\n/;

const startOf = (body: string, field: Field) => body.indexOf(`case ${field.number}: {`);

function statementIn(code: string): Readonly<Record<string, string | undefined>> & { readonly member: string } {
  const { member = '', ...groups } = STATEMENT.exec(code)?.groups ?? {};
  return { ...groups, member };
}

/** `body` with a field that is read into the value that it has already. */
function merging(body: string, field: Field): string {
  const start = startOf(body, field);
  const code = body.slice(start);
  const { member, choice, chosen, read = chosen } = statementIn(code);
  const has = choice ? `${member}?.$case === ${choice}` : `${member} !== undefined`;
  const value = choice ? `${member}.value!` : member;
  const merged = reading(read ?? '', field, (wrap) => `${has} ? ${wrap(value)} : undefined`);
  const given = choice ? `{ $case: ${choice}, value: ${merged} }` : merged;
  return body.slice(0, start) + code.replace(STATEMENT, () => `${member} = ${given};\n`);
}

/** `body` with a list of groups, each of which is read to its end. */
function ending(body: string, field: Field): string {
  const start = startOf(body, field);
  return body.slice(0, start) + body.slice(start).replace('.decode(reader)', `.decode(reader, ${endOf(field)})`);
}

/** The statement that gives an entry the default of its type, as it has no value. What has no kind is `null` in JSON. */
function defaulting(body: string, field: Field): string {
  const { member, read } = statementIn(body.slice(startOf(body, field)));
  const empty = read?.replace(/reader\.uint32\(\), .* : undefined\)/, '0)');
  return `if (${member} === undefined) ${member} = ${empty}${types.isAnyValueType(field) ? ' ?? null' : ''};\n      `;
}

/**
 * The expression that reads a field.
 *
 * @param read ts-proto's.
 * @param before The message before, made from the member's value by its argument.
 */
function reading(read: string, field: Field, before: (wrap: Wrap) => string): string {
  const [, type] = /(\w+)\.decode\(/.exec(read) ?? [];
  const call = (wrap: Wrap) =>
    field.type === GROUP
      ? `${type}.decode(reader, ${endOf(field)}, ${before(wrap)})`
      : `${type}.decode(reader, reader.uint32(), ${before(wrap)})`;
  const member = MEMBERS.find(([is]) => is(field))?.[1] ?? (read.endsWith('.value') ? 'value' : undefined);
  // Not ts-proto's conversions, which copy the value for each part.
  if (member !== undefined) return `${call((value) => `{ ${member}: ${value} }`)}.${member}`;
  if (types.isAnyValueType(field)) return `${type}.unwrap(${call((value) => `${type}.wrap(${value})`)})`;
  if (types.isTimestamp(field)) return `fromTimestamp(${call((value) => `toTimestamp(${value})`)})`;
  return call((value) => value);
}

const GROUP = 10;
const endOf = ({ number }: Field) => `-${((number << 3) | 4) >>> 0}`;
const MEMBERS: readonly (readonly [(field: Field) => boolean, string])[] = [
  [types.isStructType, 'fields'],
  [types.isListValueType, 'values'],
  [types.isFieldMaskType, 'paths'],
];
