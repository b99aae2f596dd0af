/** A generated message type: its codec, and what makes a whole message from a part. */
export interface MessageType<T = unknown> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
}

/** A method as `packages/contracts` defines it. */
export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageType;
  readonly requestStream: boolean;
  readonly responseType: MessageType;
  readonly responseStream: boolean;
  readonly options: {
    readonly idempotencyLevel?: string;
    /** Custom options as bytes, by field tag: each entry is length-prefixed. */
    readonly _unknownFields?: Readonly<Record<number, readonly Uint8Array[]>>;
  };
}

/** A service as `packages/contracts` defines it: all that a client or a server needs to know. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type DecodedOf<T> = T extends { decode(bytes: Uint8Array): infer M } ? M : never;
type PartialOf<T> = T extends { fromPartial(partial: infer P): unknown } ? P : never;

/** What a handler receives of a method, and a client's reply: the whole message. */
export type RequestOf<M extends MethodDefinition> = DecodedOf<M['requestType']>;
/** What a client reads. */
export type ResponseOf<M extends MethodDefinition> = DecodedOf<M['responseType']>;
/** What a client writes: any part of the message, so that a new field breaks no caller. */
export type RequestInit<M extends MethodDefinition> = PartialOf<M['requestType']>;
/** What a handler returns: any part of the message, so that a new field breaks no handler. */
export type ResponseInit<M extends MethodDefinition> = PartialOf<M['responseType']>;

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
