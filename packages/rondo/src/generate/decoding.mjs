/** Corrects how ts-proto's code reads messages. Source: https://protobuf.dev/programming-guides/encoding/ */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { default: SourceInfo } = require('ts-proto/build/src/sourceInfo');
const types = require('ts-proto/build/src/types');
const { visit } = require('ts-proto/build/src/visit');

/**
 * The code of a stub whose `decode` refuses what is no message, takes messages in each other to a depth of 100, merges the parts of
 * a field, and fills in the value that an entry of a map lacks.
 * @param {string} content
 * @param {object} context ts-proto's.
 * @param {object} file The `google.protobuf.FileDescriptorProto`, as ts-proto decoded it.
 */
export function decoding(content, context, file) {
  let corrected = CORRECTIONS.reduce((text, [found, replaced]) => text.replaceAll(found, replaced), content);
  const inMessage = (name, message) => {
    const start = corrected.indexOf(`const message = before ?? createBase${name}();`);
    const end = corrected.indexOf('return message;\n    } finally {', start);
    if (start < 0) return;
    const singular = message.field.filter((field) => types.isMessage(field) && !types.isRepeated(field));
    const groups = message.field.filter((field) => field.type === GROUP && types.isRepeated(field));
    const body = groups.reduce(ending, singular.reduce(merging, corrected.slice(start, end)));
    const value = message.options?.mapEntry ? singular[0] : undefined;
    corrected = corrected.slice(0, start) + body + (value ? defaulting(body, value) : '') + corrected.slice(end);
  };
  visit(file, SourceInfo.empty(), inMessage, context.options);
  return corrected;
}

/** A group has no length: its caller gives the tag that ends it, negative. */
const CORRECTIONS = [
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

const startOf = (body, field) => body.indexOf(`case ${field.number}: {`);

/** `body` with a field that is read into the value that it has already. */
function merging(body, field) {
  const start = startOf(body, field);
  const code = body.slice(start);
  const { member, choice, chosen, read = chosen } = STATEMENT.exec(code).groups;
  const has = choice ? `${member}?.$case === ${choice}` : `${member} !== undefined`;
  const value = choice ? `${member}.value!` : member;
  const merged = reading(read, field, (wrap) => `${has} ? ${wrap(value)} : undefined`);
  const given = choice ? `{ $case: ${choice}, value: ${merged} }` : merged;
  return body.slice(0, start) + code.replace(STATEMENT, () => `${member} = ${given};\n`);
}

/** `body` with a list of groups, each of which is read to its end. */
function ending(body, field) {
  const start = startOf(body, field);
  return body.slice(0, start) + body.slice(start).replace('.decode(reader)', `.decode(reader, ${endOf(field)})`);
}

/** The statement that gives an entry the default of its type, as it has no value. What has no kind is `null` in JSON. */
function defaulting(body, field) {
  const { member, read } = STATEMENT.exec(body.slice(startOf(body, field))).groups;
  const empty = read.replace(/reader\.uint32\(\), .* : undefined\)/, '0)');
  return `if (${member} === undefined) ${member} = ${empty}${types.isAnyValueType(field) ? ' ?? null' : ''};\n      `;
}

/**
 * The expression that reads a field.
 * @param {string} read ts-proto's.
 * @param {(wrap: (value: string) => string) => string} before The message before, made from the member's value by `wrap`.
 */
function reading(read, field, before) {
  const [, type] = /(\w+)\.decode\(/.exec(read);
  const call = (wrap) =>
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
const endOf = ({ number }) => `-${((number << 3) | 4) >>> 0}`;
const MEMBERS = [
  [types.isStructType, 'fields'],
  [types.isListValueType, 'values'],
  [types.isFieldMaskType, 'paths'],
];
