/** A call as a command or as code, to take elsewhere. */
import { type DescField, type DescMessage, type DescMethod, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { type Entries, listOf, recordOf } from '../calls/connect.js';
import { isLong } from '../form/scalar.js';

/** A call that a person has filled in. */
export interface Drafted {
  readonly method: DescMethod;
  readonly messages: readonly JsonValue[];
  readonly metadata: Entries;
  readonly timeoutMs: number | undefined;
  /** The gateway, such as `http://127.0.0.1:8080`. */
  readonly origin: string;
}

/** The path of a method, such as `/sales.v1.OrderService/PlaceOrder`. */
export const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;

/** Whether a method has a stream of requests. */
export const sendsStream = ({ methodKind }: DescMethod): boolean =>
  methodKind === 'client_streaming' || methodKind === 'bidi_streaming';

/** The ways to copy a call, by name. The text says where a way can't make the call. */
export const COPIES: ReadonlyMap<string, (draft: Drafted) => string> = new Map([
  ['link', asLink],
  ['curl', asCurl],
  ['grpcurl', asGrpcurl],
  ['rondo call', asRondo],
  ['TypeScript', asTypeScript],
]);

/** A word as a shell reads it. */
const quote = (text: string) => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
const one = (messages: readonly JsonValue[]) => JSON.stringify(messages[0] ?? {});
const headers = (metadata: Entries, separator: string) =>
  metadata.map(([name, value]) => `-H ${quote(`${name}${separator}${value}`)} `).join('');

/** A link that opens the form with this request. */
function asLink({ method, messages, origin }: Drafted): string {
  return `${origin}/console#/methods${pathOf(method)}?${new URLSearchParams({ request: one(messages) })}`;
}

function asCurl({ method, messages, metadata, timeoutMs, origin }: Drafted): string {
  if (method.methodKind !== 'unary') return '# curl can’t cut a stream into messages; take grpcurl or rondo call';
  const timeout: Entries = timeoutMs === undefined ? [] : [['connect-timeout-ms', String(timeoutMs)]];
  const all: Entries = [['content-type', 'application/json'], ...timeout, ...metadata];
  return `curl ${headers(all, ': ')}-d ${quote(one(messages))} ${quote(origin + pathOf(method))}`;
}

function asGrpcurl({ method, messages, metadata, timeoutMs, origin }: Drafted): string {
  const { protocol, host } = new URL(origin);
  const flags = `${protocol === 'http:' ? '-plaintext ' : ''}${timeoutMs === undefined ? '' : `-max-time ${timeoutMs / 1_000} `}`;
  const data = messages.map((message) => JSON.stringify(message)).join(' ');
  const target = /:\d+$/.test(host) ? host : `${host}:443`;
  return `grpcurl ${flags}${headers(metadata, ': ')}-d ${quote(data)} ${target} ${pathOf(method).slice(1)}`;
}

function asRondo({ method, messages, metadata, timeoutMs }: Drafted): string {
  const timeout = timeoutMs === undefined ? '' : ` --timeout ${timeoutMs}ms`;
  const metadataFlags = headers(metadata, '=').trimEnd();
  const data = sendsStream(method) ? messages.map((message) => JSON.stringify(message)).join('\n') : one(messages);
  return `npm run rondo -- call ${pathOf(method).slice(1)} ${quote(data)}${timeout}${metadataFlags === '' ? '' : ` ${metadataFlags}`}`;
}

function asTypeScript({ method, messages, metadata, timeoutMs }: Drafted): string {
  const { parent, input } = method;
  const definition = `${parent.name}Definition`;
  const all = messages.map((message) => literal(input, message, ''));
  const request = sendsStream(method) ? `[${all.join(', ')}]` : (all[0] ?? '{}');
  const options = [
    ...(timeoutMs === undefined ? [] : [`timeoutMs: ${timeoutMs}`]),
    ...(metadata.length === 0 ? [] : [`metadata: new Metadata(${JSON.stringify(Object.fromEntries(metadata))})`]),
  ];
  const made = `client.${method.localName}(${request}${options.length === 0 ? '' : `, { ${options.join(', ')} }`})`;
  const replies = method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';
  return [
    `import { ${definition} } from '@rondo/contracts/${parent.file.name}';`,
    "import { createClient } from '@rondo/rpc/client';",
    ...(metadata.length === 0 ? [] : ["import { Metadata } from '@rondo/rpc/call';"]),
    '',
    `const client = createClient(${definition}, { channel });`,
    replies ? `for await (const reply of ${made}) console.log(reply);` : `const reply = await ${made};`,
  ].join('\n');
}

/** A message as generated code takes it: 64-bit integers are bigint, bytes a Buffer, times a Date. */
function literal(desc: DescMessage, json: JsonValue, indent: string): string {
  if (desc.typeName === 'google.protobuf.Timestamp') return `new Date(${JSON.stringify(json)})`;
  if (desc.typeName === 'google.protobuf.Duration') return durationLiteral(String(json));
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  const deeper = `${indent}  `;
  const fields = Object.entries(recordOf(json)).flatMap(([name, value]) => {
    const field = desc.fields.find(({ jsonName, name: own }) => jsonName === name || own === name);
    return field === undefined ? [] : [`${deeper}${field.localName}: ${fieldLiteral(field, value, deeper)},`];
  });
  return fields.length === 0 ? '{}' : `{\n${fields.join('\n')}\n${indent}}`;
}

function durationLiteral(text: string): string {
  const seconds = Number.parseFloat(text);
  const whole = Math.trunc(seconds) || 0;
  return `{ seconds: ${whole}n, nanos: ${Math.round((seconds - whole) * 1e9) || 0} }`;
}

function fieldLiteral(field: DescField, value: JsonValue, indent: string): string {
  const valueLiteral = (item: JsonValue) => {
    if (field.message !== undefined) return literal(field.message, item, indent);
    if (field.enum !== undefined) return `${field.enum.name}.${String(item)}`;
    if (field.scalar === ScalarType.BYTES) return `Buffer.from(${JSON.stringify(item)}, 'base64')`;
    return isLong(field.scalar) && /^-?\d+$/.test(String(item)) ? `${String(item)}n` : JSON.stringify(item);
  };
  if (field.fieldKind === 'list') return `[${listOf(value).map(valueLiteral).join(', ')}]`;
  if (field.fieldKind !== 'map') return valueLiteral(value);
  const entries = Object.entries(recordOf(value)).map(([key, item]) => `${JSON.stringify(key)}: ${valueLiteral(item)}`);
  return `{ ${entries.join(', ')} }`;
}
