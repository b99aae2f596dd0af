/** Corrects ts-proto's code where a message that is read and written again would not be the same. */
import type { Context } from 'ts-proto/build/src/context.js';
import { detectMapType, isAnyValueType, isBytes, isBytesValueType } from 'ts-proto/build/src/types.js';
import { getFieldName } from 'ts-proto/build/src/utils.js';
import { fillFile } from '../template.js';
import { type DecodedFile, type DecodedMessage, messagesIn } from './decoded.js';
import { decoding } from './decoding.js';

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
