/** Corrects ts-proto's code where a message that is read and written again would not be the same. */
import type { Context } from 'ts-proto/build/src/context.js';
import type { Options } from 'ts-proto/build/src/options.js';
import sourceInfo from 'ts-proto/build/src/sourceInfo.js';
import * as types from 'ts-proto/build/src/types.js';
import { detectMapType, isAnyValueType, isBytes, isBytesValueType } from 'ts-proto/build/src/types.js';
import { getFieldName } from 'ts-proto/build/src/utils.js';
import { visit } from 'ts-proto/build/src/visit.js';
import { fillFile } from '../template.js';

/**
 * The code of a stub, corrected: maps and Structs keep every key, numbers the sign of zero, and a field for bytes takes any
 * Uint8Array. Timestamps keep their nanoseconds.
 */
export function exact(content: string, context: Context, file: DecodedFile): string {
  const withBytes = takingAll(keepingEveryKey(decoding(content, context, file)), context, file);
  const kept = withBytes
    .replaceAll(ZERO, 'if (!globalThis.Object.is($1, 0)) {$2')
    // A message may have the name Map, but is neither generic nor a class.
    .replaceAll(/(?<![.\w])Map(?=<)|(?<=new )Map(?=\()/g, 'globalThis.Map');
  if (file.name !== 'google/protobuf/timestamp.proto') return kept;
  return `${kept}\n${fillFile('stubs/exact-time.ts.tmpl', {})}`;
}

/** The condition by which a `double` or `float` is written. Negative zero isn't the default value, but equal to it. */
const ZERO = /if \((message\.\w+) !== 0\) \{(\s+writer\.uint32\(\d+\)\.(?:double|float)\()/g;

/** The assignments to a map in a stub: when it decodes a message, when it makes one, and between a Struct and its JSON. */
const ENTRY = /^( +)(message\.\w+|acc|object|struct\.fields)\[(entry\d+\.key|key)\] = ([^;]+);/gm;
const SET_ENTRY = `
function setEntry(map: object, key: any, value: unknown): void {
  if (key !== "__proto__") (map as any)[key] = value;
  else globalThis.Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
}
`;

/** Replaces assignments to maps, as an assignment to the key `__proto__` of a plain object is lost. */
function keepingEveryKey(content: string): string {
  const kept = content.replaceAll(ENTRY, '$1setEntry($2, $3, $4);');
  return kept === content ? content : kept + SET_ENTRY;
}

const AS_BUFFER = `
function asBuffer<B extends Uint8Array | undefined>(bytes: B): Buffer | (B & undefined) {
  if (bytes === undefined || bytes === null || globalThis.Buffer.isBuffer(bytes)) return bytes as Buffer;
  return globalThis.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
`;

/**
 * Corrects how messages are made from what is given. Bytes become Buffers, as messages that are read have; they aren't copied. The
 * `null` of a `google.protobuf.Value` in a oneof stays.
 */
function takingAll(content: string, context: Context, file: DecodedFile): string {
  let taking = content;
  for (const { name, message } of messagesIn(file, context.options)) {
    const start = taking.search(new RegExp(`fromPartial\\(\\s*object: DeepPartial<${name}>,?\\s*\\): ${name} {`));
    const end = taking.indexOf('return message;', start);
    if (start < 0) continue;
    const body = message.field.reduce(
      (text, field) => {
        const name = getFieldName(field, context.options);
        if (isAnyValueType(field)) return keepingNull(text, name);
        return holdsBytes(context, message, field) ? convertingBytes(text, name) : text;
      },
      taking.slice(start, end),
    );
    taking = taking.slice(0, start) + body + taking.slice(end);
  }
  return taking.includes('asBuffer(') ? taking + AS_BUFFER : taking;
}

function holdsBytes(context: Context, message: DecodedMessage, field: DecodedMessage['field'][number]): boolean {
  const { valueField = field } = detectMapType(context, message, field) ?? {};
  return isBytes(valueField) || isBytesValueType(valueField);
}

/** The body of `fromPartial` with conversions for the field `name`, in each form that ts-proto has for it. */
const convertingBytes = (body: string, name: string) =>
  body
    .replace(new RegExp(`(\\$case: "${name}",\\s+value: )(object\\.\\w+\\.value)`), '$1asBuffer($2)')
    .replace(new RegExp(`(\\n +)message\\.${name} = [^]*?(?=\\1\\w|$)`), (statement) =>
      statement
        .replace(`= object.${name} ??`, `= asBuffer(object.${name}) ??`)
        .replace('.map((e) => e)', '.map((e) => asBuffer(e))')
        .replace(/(setEntry\(acc, .+, |m\.set\(key, )value\)/, '$1asBuffer(value))'),
    );

const keepingNull = (body: string, name: string) =>
  body.replace(
    new RegExp(
      `(case "${name}": \\{\\s+if \\(object\\.\\w+\\?\\.value !== undefined) && object\\.\\w+\\?\\.value !== null`,
    ),
    '$1',
  );

/** A `google.protobuf.FileDescriptorProto`. */
export type DecodedFile = Exclude<Parameters<typeof visit>[0], { readonly oneofDecl: unknown }>;
/** A `google.protobuf.DescriptorProto`. */
export type DecodedMessage = Parameters<Parameters<typeof visit>[2]>[1];

/** The messages of a file, each with its name in generated code. */
export function messagesIn(
  file: DecodedFile,
  options: Options,
): readonly { readonly name: string; readonly message: DecodedMessage }[] {
  const found: { name: string; message: DecodedMessage }[] = [];
  visit(file, sourceInfo.default.empty(), (name, message) => found.push({ name, message }), options);
  return found;
}

type Field = Parameters<typeof types.isMessage>[0];
/** An expression around a value. */
type Wrap = (value: string) => string;

/**
 * The code of a stub whose `decode` refuses what is no message, takes messages in each other to a depth of 100, merges the parts of
 * a field, and fills in the value that an entry of a map lacks.
 */
function decoding(content: string, { options }: Context, file: DecodedFile): string {
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
