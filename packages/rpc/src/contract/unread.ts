import type { MessageType, MethodDefinition } from './definition.js';

/** A method whose messages are taken and given as they are on the wire. */
export type Unread<M extends MethodDefinition> = Omit<M, 'requestType' | 'responseType'> & {
  readonly requestType: MessageType<Uint8Array>;
  readonly responseType: MessageType<Uint8Array>;
};

/**
 * `method` for whoever passes its messages on, or cuts them at the borders of their fields, without reading what they
 * hold: its handler receives and gives encoded messages, and so does its client. On the wire nothing differs, so that
 * the other side may read. Nothing looks into such a message here either: a hash key that is a field isn't found.
 *
 * ```ts
 * const parts = { ...Definition, methods: { put: unread(Definition.methods.put) } }; // for a client
 * implement(Definition, handlers, { unread: ['put'] }); // for a server
 * ```
 */
export function unread<const M extends MethodDefinition>(method: M): Unread<M> {
  return { ...method, requestType: BYTES, responseType: BYTES };
}

const BYTES: MessageType<Uint8Array> = {
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
  fromPartial: toBytes,
};

function toBytes(message: object): Uint8Array {
  if (message instanceof Uint8Array) return message;
  throw new TypeError('the method is used unread: its messages are encoded ones, a Uint8Array each');
}
