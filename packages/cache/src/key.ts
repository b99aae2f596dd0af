import { createHash } from 'node:crypto';
import type { Metadata } from '@rondo/rpc/call';
import type { ClientCall } from '@rondo/rpc/client';
import { encodedRequest, isForwarded, readBytes } from '@rondo/rpc/internal';

/** Metadata that identifies no caller, and on which no answer depends unless the contract lists it in `vary`. */
const NEUTRAL: ReadonlySet<string> = new Set([
  'cache-control',
  'if-modified-since',
  'if-none-match',
  'pragma',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
]);

/** A longer request is represented by its digest. */
const MAX_PLAIN_BYTES = 256;

/**
 * The key of a call without the method: equal for calls that may share an answer. Undefined if the answer may belong to this
 * caller alone, because the metadata has a key that the contract doesn't list, or if the request isn't known.
 */
export function keyOf(call: ClientCall, vary: readonly string[]): string | undefined {
  const { metadata, principal } = call;
  if (!metadata.isEmpty && !mayShare(metadata, vary)) return undefined;
  const request = encodedRequest(call);
  if (request === undefined) return undefined;
  const text = textOf(request);
  return vary.length === 0 && principal === undefined ? text : `${text}\n${variantOf(call, vary)}`;
}

/** The beginning of the keys of all variants of a request. */
export function textOf(request: Uint8Array): string {
  if (request.length > MAX_PLAIN_BYTES) return `#${createHash('sha256').update(request).digest('base64')}`;
  // Its length keeps a request apart from one that begins with it.
  return `${request.length}:${String.fromCharCode(...request)}`;
}

function mayShare(metadata: Metadata, vary: readonly string[]): boolean {
  let shared = true;
  metadata.forEach((key) => {
    if (!NEUTRAL.has(key) && !vary.includes(key)) shared = false;
  });
  return shared;
}

/** A digest, because the values may be secret, such as `authorization`. */
function variantOf({ metadata, principal }: ClientCall, vary: readonly string[]): string {
  const values: unknown[] = vary.map((key) => metadata.getAll(key));
  // An answer for one principal is given to no other, nor to the same one with other scopes, or for which others act.
  if (principal !== undefined) values.push([principal.issuer, principal.subject, principal.scopes, principal.actors]);
  return createHash('sha256').update(JSON.stringify(values)).digest('base64');
}

/** Whether the caller refuses a kept answer (RFC 9111, section 5.2.1). */
export function wantsNew(metadata: Metadata): boolean {
  const control = metadata.get('cache-control');
  return control !== undefined && /\bno-(?:cache|store)\b/i.test(control);
}

/** The name of the resource that a call asks for, in the field `name`; undefined if it isn't known. */
export function resourceOf(call: ClientCall, name: string): string | undefined {
  const { method, request } = call;
  if (request.stream || typeof request.message !== 'object' || request.message === null) return undefined;
  if (!isForwarded(call)) {
    const value: unknown = Reflect.get(request.message, name);
    return typeof value === 'string' ? value : undefined;
  }
  const number = method.policyFields?.cacheKey;
  const encoded = encodedRequest(call);
  const value = number === undefined || encoded === undefined ? undefined : readBytes(encoded, number);
  return value && Buffer.from(value).toString();
}
