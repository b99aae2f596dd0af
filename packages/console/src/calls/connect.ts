/** Calls by Connect with JSON: https://connectrpc.com/docs/protocol. All that a browser sends of a stream it sends before it reads. */
import type { JsonValue } from '@bufbuild/protobuf';
import { CallFault, textOf } from '../page/fault.js';
import { parseEnvelopes } from './envelopes.js';

/** The gateway's address: a page is one level below it, also behind a proxy that adds a prefix to all paths. */
export const BASE = new URL('..', import.meta.url);

/** Names and values, in the order in which they were sent. */
export type Entries = readonly (readonly [name: string, value: string])[];

/** Why a call failed, as a server says it. */
export interface CallError {
  /** A name of gRPC in lower case, such as `not_found`. */
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

/** What happens in a call: the header, messages, and once the end. */
export type CallEvent =
  | { readonly kind: 'header'; readonly entries: Entries }
  | { readonly kind: 'message'; readonly value: JsonValue }
  | { readonly kind: 'end'; readonly error?: CallError | undefined; readonly trailer: Entries };

/** A call. Its method's path is `/package.Service/Method`. */
export interface Call {
  readonly path: string;
  /** Whether the method has a stream of requests or of replies. */
  readonly streams: boolean;
  readonly messages: readonly JsonValue[];
  readonly metadata?: Entries;
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
}

/** Makes a call. It doesn't throw: a call that fails, or is cancelled, ends with an error. */
export async function* call(options: Call): AsyncGenerator<CallEvent> {
  try {
    const response = await request(options);
    const all = [...response.headers];
    yield { kind: 'header', entries: all.filter(([name]) => !name.startsWith('trailer-')) };
    const type = response.headers.get('content-type') ?? '';
    if (!options.streams) yield* unaryReply(response, all);
    else if (type.startsWith('application/connect+json')) yield* streamReply(response);
    else yield { kind: 'end', error: errorOf(await response.json().catch(() => undefined), response), trailer: [] };
  } catch (cause) {
    const [code, message] = whyEnded(options.signal) ?? [
      'unavailable',
      `the gateway can't be reached, or has broken the answer off (${textOf(cause)})`,
    ];
    yield { kind: 'end', error: { code, message, details: [] }, trailer: [] };
  }
}

function whyEnded({ aborted, reason }: AbortSignal): readonly [code: string, message: string] | undefined {
  if (!aborted) return undefined;
  const isLate = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isLate
    ? ['deadline_exceeded', 'no answer has come in time; look whether it was done before you try again']
    : ['canceled', 'you cancelled the call'];
}

/** Yields the replies of a call. @throws CallFault */
export async function* replies(options: Call): AsyncGenerator<JsonValue> {
  for await (const event of call(options)) {
    if (event.kind === 'message') yield event.value;
    if (event.kind === 'end' && event.error !== undefined) throw new CallFault(event.error);
  }
}

const TIMEOUT_MS = 15_000;

/** The reply of a method without streams. @throws CallFault */
export async function replyOf(path: string, request: JsonValue, timeoutMs = TIMEOUT_MS): Promise<JsonValue> {
  const signal = AbortSignal.timeout(timeoutMs);
  for await (const reply of replies({ path, streams: false, messages: [request], signal })) return reply;
  throw new CallFault({ code: 'internal', message: 'the answer has no message' });
}

function request({ path, streams, messages, metadata = [], timeoutMs, signal }: Call): Promise<Response> {
  const headers = new Headers(metadata.map(([name, value]): [string, string] => [name, value]));
  for (const [name, value] of credentials()) headers.set(name, value);
  headers.set('connect-protocol-version', '1');
  headers.set('content-type', streams ? 'application/connect+json' : 'application/json');
  if (timeoutMs !== undefined) headers.set('connect-timeout-ms', String(timeoutMs));
  const body = streams ? new Blob(messages.flatMap(envelope)) : JSON.stringify(messages[0] ?? {});
  return fetch(new URL(path.slice(1), BASE), {
    method: 'POST',
    headers,
    body,
    signal,
    credentials: 'omit',
    redirect: 'error',
  });
}

function envelope(message: JsonValue): [ArrayBuffer, string] {
  const text = JSON.stringify(message);
  const prefix = new DataView(new ArrayBuffer(5));
  prefix.setUint32(1, new TextEncoder().encode(text).length);
  return [prefix.buffer, text];
}

async function* unaryReply(response: Response, all: Entries): AsyncGenerator<CallEvent> {
  const trailer = all
    .filter(([name]) => name.startsWith('trailer-'))
    .map(([name, value]) => [name.replace('trailer-', ''), value] as const);
  const body: JsonValue | undefined = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) yield { kind: 'message', value: body };
  const error = response.ok && body !== undefined ? undefined : errorOf(body, response);
  yield { kind: 'end', error, trailer };
}

/** The flag of the last envelope. */
const END = 0b10;

async function* streamReply(response: Response): AsyncGenerator<CallEvent> {
  for await (const { flags, text } of parseEnvelopes(response.body)) {
    const value: JsonValue = JSON.parse(text);
    if ((flags & END) === 0) {
      yield { kind: 'message', value };
      continue;
    }
    const { error, metadata } = recordOf(value);
    const trailer = Object.entries(recordOf(metadata)).flatMap(([name, values]) =>
      listOf(values).map((one) => [name, String(one)] as const),
    );
    yield { kind: 'end', error: error === undefined ? undefined : errorOf(error, response), trailer };
    return;
  }
  throw new Error('the stream has no end');
}

function errorOf(body: JsonValue | undefined, { status, statusText }: Response): CallError {
  const { code = `http ${status}`, message = statusText, details } = recordOf(body);
  const all = listOf(details).map(recordOf);
  return {
    code: String(code),
    message: String(message),
    details: all.map(({ type, value }) => ({ type: String(type), value: String(value) })),
  };
}

/** An object of JSON; empty for any other value. */
export const recordOf = (value: JsonValue | undefined): { [name: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

/** A list of JSON; empty for any other value. */
export const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** Not in the browser's storage, which all pages at the gateway's address read. */
let given = '';

/** The header with the credentials that a person has given, until the page is reloaded or left. */
export function credentials(): Entries {
  if (given === '') return [];
  return given.split('.').length === 3 ? [['authorization', `Bearer ${given}`]] : [['x-api-key', given]];
}

/** Keeps a token or an API key; nothing for an empty text. */
export const setCredentials = (text: string): void => {
  given = text.trim();
};
