import type { OutgoingHttpHeaders } from 'node:http';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { BackendCall, BackendReply } from '../protocols/backend.js';
import { STOPPING } from '../protocols/inbound-call.js';
import { addMetadata } from '../protocols/metadata.js';
import { stringify } from '../protocols/stringify.js';
import { checkContentType, checkEncoding } from './body.js';
import { type HttpCall, timeoutOf } from './call.js';
import type { Conditions } from './conditions.js';
import { sendFault, toFault } from './fault.js';
import { givesRawBody, rawBodyOf } from './http-body.js';
import { type JsonStyle, styleOf } from './json-stream.js';
import { encodeLines, readLines } from './lines.js';
import { isObject, own } from './query.js';
import type { RequestParts } from './request.js';
import { methodAt, readRequest, replyJson, sendReply } from './unary.js';

/** Serves a call whose requests or replies are a stream. */
export async function serveStream(call: HttpCall, conditions: Conditions): Promise<void> {
  const { exchange, target } = call;
  const metadata = call.metadata();
  const timeoutMs = timeoutOf(exchange.headers);
  const request = target.method.requestStream
    ? requestsOf(call)
    : await call.read(readRequest(call, { conditions, resume: resumeOf(call) }), timeoutMs);
  const reply = await call.send(request, metadata, timeoutMs);
  if (reply.response.stream) await sendStream(call, reply, reply.response.messages);
  else await sendReply(call, reply);
}

/** `Last-Event-ID` says where an EventSource resumes a stream of replies. */
function resumeOf({ exchange, target: { method, desc } }: HttpCall): RequestParts['resume'] {
  const sent = exchange.headers['last-event-id'];
  // Browsers send it in UTF-8, and Node gives each byte as a character.
  const token = typeof sent === 'string' ? Buffer.from(sent, 'latin1').toString() : '';
  const field = desc.input.fields.find(({ localName }) => localName === method.policy.resume?.request)?.name;
  return token !== '' && field !== undefined ? { field, token } : undefined;
}

const NDJSON = ['application/x-ndjson', 'application/jsonl', 'application/json'];

/** The requests of a stream: JSON, one message a line. Each is encoded as the instance's version reads it. */
function requestsOf({ exchange, match, refuse, options }: HttpCall): BackendCall['request'] {
  checkContentType(exchange, NDJSON);
  checkEncoding(exchange, []);
  if (exchange.query !== '') throw gatewayErrors.QUERY_OF_STREAM();
  const lines = readLines(exchange, options.maxMessageBytes);
  return (to) => {
    const method = match.target.descAt(to);
    return method && { stream: true, messages: encodeLines(lines, { method, match, failed: refuse }) };
  };
}

/** The replies of a call. A stream that resumes goes on at another instance, with its version of the contract. */
interface Replies {
  readonly messages: AsyncIterator<Uint8Array>;
  readonly reply: BackendReply;
}

/** Sends a stream of replies. A failure before the first of them still has its own HTTP status. */
async function sendStream(call: HttpCall, reply: BackendReply, stream: AsyncIterable<Uint8Array>): Promise<void> {
  const { exchange, match } = call;
  const method = methodAt(match.target, reply.from);
  const messages = stream[Symbol.asyncIterator]();
  const raw = givesRawBody(method.output, match.binding);
  const style = styleOf(exchange, raw);
  const headers: OutgoingHttpHeaders = {};
  addMetadata(headers, reply.header, call.options);
  const open = () => {
    if (exchange.responded) return;
    exchange.respond(200, { ...headers, ...style.headers });
    if (style.opening !== undefined) send(exchange, style.opening);
  };
  // A stream may rest before its first message, and the client wants to know that it is open.
  const opening = setTimeout(open, OPEN_AFTER_MS);
  const keepAlive = setInterval(() => {
    if (exchange.responded && style.keepAlive !== undefined) send(exchange, style.keepAlive);
  }, KEEP_ALIVE_MS);
  try {
    await sendMessages(call, { messages, reply }, { style, open });
  } catch (error) {
    sendFailure(call, error, style);
  } finally {
    clearTimeout(opening);
    clearInterval(keepAlive);
    await messages.return?.();
  }
}

/** Sends a few bytes without waiting for a slow reader. */
function send(exchange: HttpExchange, bytes: Uint8Array): void {
  if (exchange.method !== 'HEAD') void exchange.write(bytes);
}

/** How long a stream's answer waits for the first message, whose failure can then have its own HTTP status. */
const OPEN_AFTER_MS = 500;
const KEEP_ALIVE_MS = 15_000;

async function sendMessages(
  call: HttpCall,
  { messages, reply }: Replies,
  { style, open }: { readonly style: JsonStyle; readonly open: () => void },
): Promise<void> {
  const { exchange, match } = call;
  const { target, binding } = match;
  for (;;) {
    const next = await messages.next();
    if (call.left) return;
    if (next.done === true) break;
    const method = methodAt(target, reply.from);
    const { json, whole } = replyJson(next.value, { target, method, binding });
    const chunk = style.raw
      ? rawChunk(json, exchange.responded ? undefined : style)
      : style.message(stringify(method.output, json), tokenOf(call, method, whole));
    open();
    if (exchange.method === 'HEAD') break;
    await exchange.write(chunk);
  }
  open();
  exchange.end();
}

function rawChunk(json: JsonValue, first: JsonStyle | undefined): Uint8Array {
  const { contentType, data } = rawBodyOf(json);
  if (first !== undefined) first.headers['content-type'] = contentType;
  return data;
}

/** The token from which a stream resumes after a reply; undefined if it can't. */
function tokenOf({ match }: HttpCall, { output }: DescMethod, whole: JsonValue): string | undefined {
  const name = match.target.method.policy.resume?.response;
  const field = name === undefined ? undefined : output.fields.find(({ localName }) => localName === name);
  const token = field && isObject(whole) ? own(whole, field.jsonName) : undefined;
  return typeof token === 'string' && token !== '' && !/[\0\r\n]/.test(token) ? token : undefined;
}

/** Ends a stream that failed: after the first message, the status is the last line. */
function sendFailure(call: HttpCall, caught: unknown, style: JsonStyle): void {
  const { exchange, target } = call;
  if (call.left) return;
  const fault = exchange.responded ? toFault(call, caught) : undefined;
  if (fault === undefined || style.raw) sendFault(call, caught);
  else if (fault.error === STOPPING && style.resumes) exchange.end();
  else exchange.end(style.failure(fault.error, target.types));
}
