import type { OutgoingHttpHeaders } from 'node:http';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';
import type { Payload } from '@rondo/rpc/internal';
import { clientErrors } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { BackendReply } from '../protocols/backend.js';
import { onDrain, STOPPING } from '../protocols/stopping.js';
import { stringify } from '../protocols/stringify.js';
import { checkContentType, checkEncoding } from './body.js';
import { type HttpCall, readInTime, timeoutOf } from './call.js';
import { sendFault, toFault } from './fault.js';
import { givesRawBody, rawBodyOf } from './http-body.js';
import { type JsonStyle, styleOf } from './json-stream.js';
import { encodeLines, readLines } from './lines.js';
import { isObject, own } from './query.js';
import { methodAt, readRequest, replyJson, sendReply } from './unary.js';

/** Serves a call whose requests or replies are a stream. */
export async function serveStream(call: HttpCall): Promise<void> {
  const { backend, exchange, match, context } = call;
  const { target } = match;
  const metadata = call.metadataOf(exchange);
  const upload: Upload = { failure: undefined };
  const { request, timeoutMs } = await readInTime(call, async () =>
    target.method.requestStream ? streamOf(call, upload) : messageOf(call),
  );
  try {
    const reply = await backend({
      target,
      metadata,
      principal: exchange.identity?.principal,
      timeoutMs,
      context,
      request,
    });
    if (reply.response.stream) await sendStream({ ...call, upload }, reply, reply.response.messages);
    else await sendReply(call, reply);
  } catch (error) {
    throw upload.failure ?? error;
  }
}

/** The failure of a request stream. The call's own error says less, so this one is reported instead. */
interface Upload {
  failure: unknown;
}

interface StreamCall extends HttpCall {
  readonly upload: Upload;
}

type Request = (to: Endpoint | undefined) => Payload<Uint8Array> | undefined;

/** The one request of a method whose replies are a stream. `Last-Event-ID` says where an EventSource resumes it. */
async function messageOf(call: HttpCall): Promise<Request> {
  const { exchange, match } = call;
  const sent = exchange.headers['last-event-id'];
  // Browsers send it in UTF-8, and Node gives each byte as a character.
  const token = typeof sent === 'string' ? Buffer.from(sent, 'latin1').toString() : '';
  const resume = match.target.method.policy.resume?.request;
  const field = match.target.desc.input.fields.find(({ localName }) => localName === resume)?.name;
  const resumed = token !== '' && field !== undefined ? { field, token } : undefined;
  const request = await readRequest(call, resumed);
  return (to) => {
    const message = request(to);
    return message && { stream: false, message };
  };
}

const NDJSON = ['application/x-ndjson', 'application/jsonl', 'application/json'];

/** The requests of a stream: JSON, one message a line. Each is encoded as the instance's version reads it. */
function streamOf(call: HttpCall, upload: Upload): Request {
  const { exchange, match, context, maxMessageBytes } = call;
  checkContentType(exchange, NDJSON);
  checkEncoding(exchange, []);
  if (exchange.query !== '') throw gatewayErrors.QUERY_OF_STREAM();
  const lines = readLines(exchange, maxMessageBytes);
  const failed = (error: unknown) => {
    upload.failure ??= error;
    // The client gets the error that the request stream failed with.
    context.end(clientErrors.CANCELLED({ cause: error }));
  };
  return (to) => {
    const method = match.target.descAt(to);
    return method && { stream: true, messages: encodeLines(lines, { method, match, failed }) };
  };
}

/** The replies of a call. A stream that resumes goes on at another instance, with its version of the contract. */
interface Replies {
  readonly messages: AsyncIterator<Uint8Array>;
  readonly reply: BackendReply;
}

/** Sends a stream of replies. A failure before the first of them still has its own HTTP status. */
async function sendStream(call: StreamCall, reply: BackendReply, stream: AsyncIterable<Uint8Array>): Promise<void> {
  const { exchange, match } = call;
  const method = methodAt(match.target, reply.from);
  const messages = stream[Symbol.asyncIterator]();
  const raw = givesRawBody(method.output, match.binding);
  const style = styleOf(exchange, raw);
  const headers: OutgoingHttpHeaders = {};
  call.addMetadata(headers, reply.header);
  const open = () => {
    if (exchange.responded) return;
    exchange.respond(200, { ...headers, ...style.headers });
    if (style.opening !== undefined) send(exchange, style.opening);
  };
  const limits = { method: match.target.method, timeoutMs: timeoutOf(exchange.headers) };
  const stopFollowing = onDrain(call.draining, limits, () => {
    call.upload.failure ??= STOPPING;
    call.context.end(STOPPING);
  });
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
    stopFollowing();
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
    if (call.left()) return;
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
function sendFailure(call: StreamCall, caught: unknown, style: JsonStyle): void {
  const { exchange, match, onFault, addMetadata, conditions, upload } = call;
  if (call.left()) return;
  const error = upload.failure ?? caught;
  const options = {
    method: match.target.desc,
    types: match.target.types,
    conditional: conditions.etag !== undefined,
    onFault,
    addMetadata,
  };
  const fault = exchange.responded ? toFault(error, options) : undefined;
  if (fault === undefined || style.raw) sendFault(exchange, error, options);
  else if (error === STOPPING && style.resumes) exchange.end();
  else exchange.end(style.failure(fault.error, match.target.types));
}
