import type { OutgoingHttpHeaders } from 'node:http';
import type { Registry } from '@bufbuild/protobuf';
import type { RpcError } from '@rondo/rpc/status';
import type { HttpExchange } from '../listener/exchange.js';
import { SANDBOX } from './http-body.js';
import { statusJson } from './status-json.js';

/** How a stream of replies is written. */
export interface JsonStyle {
  /** The replies are the data of `google.api.HttpBody`, one after the other. */
  readonly raw: boolean;
  readonly headers: OutgoingHttpHeaders;
  /** Whether the client connects again by itself when the stream ends. */
  readonly resumes: boolean;
  /** One reply, as JSON text. `token`: where the stream resumes after it. */
  readonly message: (text: string, token: string | undefined) => Buffer;
  /** The end of a stream that failed. */
  readonly failure: (error: RpcError, types: Registry) => Buffer;
  /** What is sent first. */
  readonly opening?: Buffer;
  /** What is sent while the stream rests, so that proxies don't close it. */
  readonly keepAlive?: Buffer;
}

/** Server-sent events if the client accepts them, otherwise JSON lines. */
export function styleOf({ headers }: HttpExchange, raw: boolean): JsonStyle {
  if (raw) return { ...LINES, raw: true, headers: { ...SANDBOX, 'content-type': 'application/octet-stream' } };
  const { type, style } = /\btext\/event-stream\b/i.test(headers.accept ?? '')
    ? { type: 'text/event-stream', style: EVENTS }
    : { type: 'application/x-ndjson', style: LINES };
  // Proxies such as nginx gather a response unless a header says not to.
  return {
    ...style,
    raw: false,
    headers: { 'content-type': type, 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  };
}

type Form = Pick<JsonStyle, 'resumes' | 'message' | 'failure' | 'opening' | 'keepAlive'>;

/** A line for each message. Source: https://github.com/ndjson/ndjson-spec */
const LINES: Form = {
  resumes: false,
  message: (text) => Buffer.from(`${text}\n`),
  failure: (error, types) => Buffer.from(`${JSON.stringify({ error: statusJson(error, types) })}\n`),
};

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html */
const EVENTS: Form = {
  resumes: true,
  message: (text, token) => Buffer.from(`${token === undefined ? '' : `id: ${token}\n`}data: ${text}\n\n`),
  failure: (error, types) => Buffer.from(`event: error\ndata: ${JSON.stringify(statusJson(error, types))}\n\n`),
  // A browser reconnects after a second, with the id of the last event.
  opening: Buffer.from('retry: 1000\n\n'),
  keepAlive: Buffer.from(': keep-alive\n\n'),
};
