import type { IncomingHttpHeaders } from 'node:http';
import { type DescField, type DescMessage, type DescMethod, type JsonObject, ScalarType } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { FieldViolation } from '@rondo/rpc/status';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { gatewayErrors } from '../errors.js';
import { isObject, memberOf, setField } from './query.js';

/** What headers say about the state that a request needs, and about its repetition. */
export interface Conditions {
  /** Of `If-Match`, with its quotation marks; undefined for any state. */
  readonly etag: string | undefined;
  /** Of `Idempotency-Key`. */
  readonly requestId: string | undefined;
}

/** An entity tag by RFC 9110, section 8.8.3. */
const STRONG_TAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/** Reads the headers. @throws RpcError `INVALID_ARGUMENT` for an `If-Match` that isn't one strong etag. */
export function readConditions(headers: IncomingHttpHeaders): Conditions {
  const match = headers['if-match']?.trim();
  const key = headers['idempotency-key'];
  const etag = match === '*' ? undefined : match;
  // The header is a quoted string; many clients leave the quotation marks out.
  const requestId = (Array.isArray(key) ? key.join(', ') : key)?.trim().replace(/^"(.*)"$/, '$1');
  if (etag !== undefined && !STRONG_TAG.test(etag)) throw gatewayErrors.INVALID_IF_MATCH({ etag });
  return { etag, requestId };
}

/** Sets the fields that the conditions stand for. Returns what can't be set. */
export function setConditions(
  target: JsonObject,
  { method, body }: { readonly method: DescMethod; readonly body: string },
  { etag, requestId }: Conditions,
): readonly FieldViolation[] {
  return [
    ...(etag === undefined ? [] : setOnce(target, etagPath(method.input, body), { header: 'If-Match', value: etag })),
    ...(requestId === undefined ? [] : setRequestId(target, method, requestId)),
  ];
}

function setRequestId(target: JsonObject, method: DescMethod, value: string): readonly FieldViolation[] {
  const field = requestIdField(method);
  const source = keySourceOf(method);
  // Every header is metadata of the call, so the key is there already.
  if (source?.from === 'metadata' && source.key === 'idempotency-key') return [];
  // The repetition of such a call has no effect anyway.
  if (field === undefined && method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN) return [];
  return setOnce(target, field && [field], { header: 'Idempotency-Key', value });
}

function setOnce(
  target: JsonObject,
  path: readonly DescField[] | undefined,
  { header, value }: { readonly header: string; readonly value: string },
): readonly FieldViolation[] {
  if (path === undefined) {
    return [{ field: header, description: 'has no effect on this method, which has no field for it; leave it out' }];
  }
  const present = valueAt(target, path);
  const name = path.map((field) => field.jsonName).join('.');
  if (present !== undefined && present !== null && present !== '' && present !== value) {
    return [{ field: header, description: `differs from ${name} in the request; send one of them` }];
  }
  setField(target, path, value);
  return [];
}

function valueAt(target: JsonObject, path: readonly DescField[]) {
  const parents = path.slice(0, -1);
  const last = path.at(-1);
  let object = target;
  for (const field of parents) {
    const next = memberOf(object, field);
    if (!isObject(next)) return undefined;
    object = next;
  }
  return last && memberOf(object, last);
}

/** The field that `Idempotency-Key` fills: the one that the contract names for keys, or else `request_id`. */
export function requestIdField(method: DescMethod): DescField | undefined {
  const source = keySourceOf(method);
  if (source?.from === 'metadata') return undefined;
  return textField(method.input, source?.inContract ?? 'request_id');
}

type KeySource = NonNullable<NonNullable<ReturnType<typeof methodOf>>['policy']['key']>['source'];

const keySources = new WeakMap<DescMethod, { readonly source: KeySource | undefined }>();

/** Where the contract says that idempotency keys are; undefined if it has none. */
function keySourceOf(method: DescMethod): KeySource | undefined {
  let known = keySources.get(method);
  if (known === undefined) {
    known = { source: methodOf(toDynamicMethod(method))?.policy.key?.source };
    keySources.set(method, known);
  }
  return known.source;
}

/** The field that `If-Match` fills: the etag of the request, or that of the resource in its body. */
export function etagPath(input: DescMessage, body: string): readonly DescField[] | undefined {
  const own = textField(input, 'etag');
  if (own !== undefined) return [own];
  const resource = input.fields.find(({ name }) => name === body);
  const inner = resource?.fieldKind === 'message' ? textField(resource.message, 'etag') : undefined;
  return resource && inner && [resource, inner];
}

/** The name of the field whose value a reply's `ETag` is. */
export const etagField = (desc: DescMessage): DescField | undefined => textField(desc, 'etag');

function textField(desc: DescMessage, name: string): DescField | undefined {
  const field = desc.fields.find((one) => one.name === name);
  return field?.fieldKind === 'scalar' && field.scalar === ScalarType.STRING ? field : undefined;
}

/** The value of a reply's `ETag`; undefined if the field's value is no entity tag. */
export const toEtag = (value: unknown): string | undefined =>
  typeof value === 'string' && /^(?:W\/)?"/.test(value) && STRONG_TAG.test(value.replace(/^W\//, ''))
    ? value
    : undefined;

/** Whether `If-None-Match` names the etag, so that the client has the reply already. RFC 9110, section 13.1.2: weakly. */
export function isUnchanged(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const tags = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag.replace(/^W\//, '') === etag.replace(/^W\//, ''));
}
