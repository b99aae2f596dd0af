/** A call as a command or a link, to take elsewhere. */
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import type { Entries } from '../calls/connect.js';

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
