import type { OutgoingHttpHeaders } from 'node:http';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { decodeReply } from '@rondo/schema';
import type { HttpBinding } from '@rondo/schema/http';
import type { PublicMethod } from '../discovery/catalogue.js';
import { compress, varyByEncoding } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import type { BackendReply } from '../protocols/backend.js';
import { toText } from '../protocols/json-text.js';
import { stringify } from '../protocols/stringify.js';
import { checkContentType, readBody } from './body.js';
import { type HttpCall, readInTime } from './call.js';
import { etagField, isUnchanged, toEtag } from './conditions.js';
import { givesRawBody, rawBodyJson, rawBodyOf, SANDBOX, takesRawBody } from './http-body.js';
import { toJsonValue } from './json.js';
import { isObject, own, parseQuery } from './query.js';
import { encodeRequest, type RequestParts } from './request.js';
import { encodeForVersions } from './versions.js';

/** Serves a call with one request and one reply. */
export async function serveUnary(call: HttpCall): Promise<void> {
  const { backend, exchange, match, context } = call;
  const metadata = call.metadataOf(exchange);
  const { request, timeoutMs } = await readInTime(call, () => readRequest(call));
  const reply = await backend({
    target: match.target,
    metadata,
    principal: exchange.identity?.principal,
    timeoutMs,
    context,
    request: (to) => {
      const message = request(to);
      return message && { stream: false, message };
    },
  });
  await sendReply(call, reply);
}

/** Reads the one request of a call. */
export async function readRequest(call: HttpCall, resume?: RequestParts['resume']) {
  const { exchange, match, conditions } = call;
  const { target, binding, variables } = match;
  const { types, int64AsNumber } = target;
  const query = parseQuery(exchange.query);
  const body = await readJson(call);
  const parts = { binding, variables, query, body, conditions, resume, types, int64AsNumber };
  return encodeForVersions(target, (method) => encodeRequest(method, parts));
}

/** The body as JSON; empty if the method takes none. */
async function readJson({ exchange, match, maxMessageBytes }: HttpCall): Promise<string> {
  const { binding, target } = match;
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
  const { exchange, match } = call;
  const { target, binding } = match;
  if (response.stream) throw new TypeError(`${target.method.path} answers with a stream`);
  const method = methodAt(target, from);
  const { json, etag } = replyJson(response.message, { target, method, binding });
  const headers: OutgoingHttpHeaders = {};
  call.addMetadata(headers, header);
  // Not every client of HTTP reads trailers, and rondo-served-by is one.
  call.addMetadata(headers, trailer);
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
