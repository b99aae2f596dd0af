import type { Random, WallClock } from '@rondo/base';
import type { Payload } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import type { KeySource } from '../contract/key-policy.js';
import type { Method } from '../contract/method.js';
import { readBytes, withBytes } from '../contract/wire-fields.js';

/** What a key is made of. */
interface KeyMaker {
  readonly random: Random;
  readonly wallClock: WallClock;
}

/**
 * A new key: a UUID of version 7 (RFC 9562). Its time comes first, so that a store appends new keys to its index instead of
 * spreading them over it.
 */
function newKey({ random, wallClock }: KeyMaker): string {
  const time = wallClock.now().getTime().toString(16).padStart(12, '0').slice(-12);
  const bits = random.hex(10);
  const variant = (8 + (Number.parseInt(bits.slice(3, 4), 16) % 4)).toString(16);
  const [low, high] = [bits.slice(4, 7), bits.slice(7, 19)];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${bits.slice(0, 3)}-${variant}${low}-${high}`;
}

/** The request of a call with an idempotency key: the caller's, or else a new one. A key in metadata is added there. */
export function withKey(
  { policy: { key } }: Method,
  { request, metadata }: { readonly request: Payload; readonly metadata: Metadata },
  maker: KeyMaker,
): Payload {
  if (key === undefined || request.stream) return request;
  const { source } = key;
  if (source.from === 'metadata') {
    addToMetadata(source.key, metadata, maker);
    return request;
  }
  return { stream: false, message: withKeyField(request.message, source, maker) };
}

function addToMetadata(name: string, metadata: Metadata, maker: KeyMaker): void {
  if ((metadata.get(name) ?? '') === '') metadata.set(name, newKey(maker));
}

/** A copy of the message with a key. A message that has a key stays as it is, and so does a value that is no message. */
function withKeyField(message: unknown, { name }: KeySource & { readonly from: 'field' }, maker: KeyMaker): unknown {
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return message;
  const present: unknown = Reflect.get(message, name);
  if (present !== undefined && present !== '') return message;
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, { [name]: newKey(maker) });
}

/** Adds the key of one call to its encoded requests. */
export type AddKey = (message: Uint8Array) => Uint8Array;

/**
 * As {@link withKey}, for requests that stay encoded; undefined if they stay as they are. Each request gets the same key,
 * unless its caller sent one.
 */
export function encodedKey(
  { policy: { key }, policyFields }: Method,
  metadata: Metadata,
  maker: KeyMaker,
): AddKey | undefined {
  if (key?.source.from === 'metadata') addToMetadata(key.source.key, metadata, maker);
  const number = policyFields?.key;
  if (key?.source.from !== 'field' || number === undefined) return undefined;
  const made = Buffer.from(newKey(maker));
  return (message) => ((readBytes(message, number)?.length ?? 0) > 0 ? message : withBytes(message, number, made));
}

/**
 * The method of a call that is passed on encoded. If the key's field isn't known, the call can't get a key, and
 * isn't safe to repeat.
 */
export function repeatable(method: Method): Method {
  const { policy, policyFields } = method;
  if (policy.key?.source.from !== 'field' || policyFields?.key !== undefined) return method;
  return { ...method, policy: { ...policy, idempotency: 'unknown' } };
}
