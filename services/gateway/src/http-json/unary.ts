import type { OutgoingHttpHeaders } from 'node:http';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';
import type { Payload } from '@rondo/rpc/internal';
import { decodeReply } from '@rondo/schema';
import type { HttpBinding } from '@rondo/schema/http';
import type { PublicMethod } from '../discovery/catalogue.js';
import { compress, varyByEncoding } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import type { BackendReply } from '../protocols/backend.js';
import { toText } from '../protocols/json-text.js';
import { addMetadata } from '../protocols/metadata.js';
import { stringify } from '../protocols/stringify.js';
import { checkContentType, readBody } from './body.js';
import { type HttpCall, timeoutOf } from './call.js';
import { type Conditions, etagField, isUnchanged, toEtag } from './conditions.js';
import { givesRawBody, rawBodyJson, rawBodyOf, SANDBOX, takesRawBody } from './http-body.js';
import { toJsonValue } from './json.js';
import { isObject, own, parseQuery } from './query.js';
import { encodeRequest, type RequestParts } from './request.js';
import { encodeForVersions } from './versions.js';

/** Serves a call with one request and one reply. */
export async function serveUnary(call: HttpCall, conditions: Conditions): Promise<void> {
  const metadata = call.metadata();
  const timeoutMs = timeoutOf(call.exchange.headers);
  const request = await call.read(readRequest(call, { conditions }), timeoutMs);
  await sendReply(call, await call.send(request, metadata, timeoutMs));
}

/** Reads the one request of a call. */
export async function readRequest(
  call: HttpCall,
  given: Pick<RequestParts, 'conditions' | 'resume'>,
): Promise<(to: Endpoint | undefined) => Payload<Uint8Array> | undefined> {
  const { exchange, target } = call;
  const { binding, variables } = call.match;
  const { types, int64AsNumber } = target;
  const query = parseQuery(exchange.query);
  const body = await readJson(call);
  const parts = { ...given, binding, variables, query, body, types, int64AsNumber };
  const encode = encodeForVersions(target, (method) => encodeRequest(method, parts));
  return (to) => {
    const message = encode(to);
    return message && { stream: false, message };
  };
}

/** The body as JSON; empty if the method takes none. */
async function readJson({ exchange, target, match: { binding }, options }: HttpCall): Promise<string> {
  const { maxMessageBytes } = options;
  if (binding.body === '') return '';
  if (takesRawBody(target.desc.input, binding)) {
    const data = await readBody(exchange, maxMessageBytes);
    return rawBodyJson(exchange.headers['content-type'] ?? '', data);
  }
  checkContentType(exchange);
  return toText(await readBody(exchange, maxMessageBytes));
}

/** Answers with the one reply of a call. */
export async function sendReply(call: HttpCall, { response, header, trailer, from }: BackendReply): Promise<void> {
  const { exchange, target, options } = call;
  const { binding } = call.match;
  if (response.stream) throw new TypeError(`${target.method.path} answers with a stream`);
  const method = methodAt(target, from);
  const { json, etag } = replyJson(response.message, { target, method, binding });
  const headers: OutgoingHttpHeaders = {};
  addMetadata(headers, header, options);
  // Not every client of HTTP reads trailers, and rondo-served-by is one.
  addMetadata(headers, trailer, options);
  if (etag !== undefined) {
    headers['etag'] = etag;
    const reads = exchange.method === 'GET' || exchange.method === 'HEAD';
    if (reads && isUnchanged(exchange.headers['if-none-match'], etag)) {
      varyByEncoding(exchange, headers);
      exchange.respond(304, headers);
      exchange.end();
      return;
    }
  }
  const isRaw = givesRawBody(method.output, binding);
  const { contentType, data } = isRaw
    ? rawBodyOf(json)
    : { contentType: 'application/json', data: Buffer.from(stringify(method.output, json)) };
  if (isRaw) Object.assign(headers, SANDBOX);
  const body = await compress(data, exchange, headers);
  exchange.respond(200, { ...headers, 'content-type': contentType, 'content-length': body.length });
  exchange.end(exchange.method === 'HEAD' ? undefined : body);
}

/** The method in the version of the instance that replied. */
export function methodAt(target: PublicMethod, from: BackendReply['from']): DescMethod {
  const method = target.descAt(from);
  if (method !== undefined) return method;
  throw gatewayErrors.CONTRACT_UNKNOWN();
}

/** A reply as JSON, and the value of its `ETag`. */
export function replyJson(
  bytes: Uint8Array,
  {
    target,
    method,
    binding,
  }: { readonly target: PublicMethod; readonly method: DescMethod; readonly binding: HttpBinding },
): { readonly json: JsonValue; readonly etag: string | undefined; readonly whole: JsonValue } {
  const { output } = method;
  const whole = toJsonValue(output, decodeReply(output, bytes), target);
  const tagged = etagField(output);
  const etag = tagged && isObject(whole) ? toEtag(own(whole, tagged.jsonName)) : undefined;
  if (binding.responseBody === '') return { json: whole, etag, whole };
  const field = output.fields.find(({ name }) => name === binding.responseBody);
  return { json: (field && isObject(whole) ? own(whole, field.jsonName) : undefined) ?? null, etag, whole };
}
