/** Holds an encoded message. `finish` returns it, and leaves the writer empty for another one. */
export interface MessageWriter {
  finish(): Uint8Array;
}

/** A generated message type: its codec, and the function that completes a partial message. */
export interface MessageType<T = unknown> {
  /** Its full name; missing if the type isn't generated. */
  readonly $type?: string;
  /** Writes with `writer`, which is empty and came from this function before, or with a new one. */
  encode(message: T, writer?: MessageWriter): MessageWriter;
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
  /** What a server checks in each message; missing if the contract has nothing to check. */
  readonly checked?: MessageChecks<T>;
}

/** The checks of a generated message type: its text, and its rules of `buf.validate`. */
export interface MessageChecks<T = unknown> {
  /** Decodes a message. `violations` then returns each rule that it violates; call {@link load} before. */
  decode(bytes: Uint8Array): { readonly message: T; violations(): readonly RuleViolation[] };
  /** Loads what rules in CEL need; undefined if the rest is loaded. */
  load?(): Promise<void> | undefined;
}

/** A violation of one rule of a contract. */
export interface RuleViolation {
  /** The field's path as in the contract; empty for the message itself. */
  readonly field: string;
  /** The rule's id, such as `string.min_len`. */
  readonly rule: string;
  /** What the value must be. */
  readonly text: string;
}

/** A method as `packages/contracts` generates it. */
export interface MethodDefinition {
  readonly name: string;
  /** The fully qualified service. */
  readonly service?: string | undefined;
  readonly requestType: MessageType;
  readonly requestStream: boolean;
  readonly responseType: MessageType;
  readonly responseStream: boolean;
  readonly options: {
    readonly idempotencyLevel?: string;
    /** Custom options as bytes, by field tag. Each entry is length-prefixed. */
    readonly _unknownFields?: Readonly<Record<number, readonly Uint8Array[]>>;
  };
  /** What the `google.longrunning.Operation` that it returns ends with. */
  readonly operation?: OperationTypes | undefined;
}

/** The types that a contract names in `google.longrunning.operation_info`. */
export interface OperationTypes {
  readonly responseType: NamedType;
  readonly metadataType?: NamedType;
}

/** A generated message type that knows its full name. */
interface NamedType extends MessageType {
  readonly $type: string;
}

/** A service as `packages/contracts` generates it: all that a client or a server needs to know. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type DecodedOf<T> = T extends { decode(bytes: Uint8Array): infer M } ? M : never;
type PartialOf<T> = T extends { fromPartial(partial: infer P): unknown } ? P : never;

/** The request as a handler receives it: the whole message. */
export type RequestOf<M extends MethodDefinition> = DecodedOf<M['requestType']>;
/** The response as a client receives it: the whole message. */
export type ResponseOf<M extends MethodDefinition> = DecodedOf<M['responseType']>;
/** The request as a client writes it: any part of the message, so that a new field breaks no caller. */
export type RequestInit<M extends MethodDefinition> = PartialOf<M['requestType']>;
/** The response as a handler returns it: any part of the message, so that a new field breaks no handler. */
export type ResponseInit<M extends MethodDefinition> = PartialOf<M['responseType']>;

/** A method that starts an operation which ends with a message of a known type. */
export type OperationMethod = MethodDefinition & { readonly operation: OperationTypes };
/** What the operation ends with, as a client receives it: the whole message. */
export type OutcomeOf<M extends OperationMethod> = DecodedOf<M['operation']['responseType']>;
/** What the operation ends with, as a workflow returns it: any part of the message. */
export type OutcomeInit<M extends OperationMethod> = PartialOf<M['operation']['responseType']>;

/** A method whose messages stay encoded. */
export type Raw<M extends MethodDefinition> = Omit<M, 'requestType' | 'responseType'> & {
  readonly requestType: MessageType<Uint8Array>;
  readonly responseType: MessageType<Uint8Array>;
};

/**
 * `method` with raw messages: handler and client take and return encoded messages instead of objects. It is for code
 * that forwards messages, or splits them at field boundaries, without reading them. On the wire nothing differs, so the
 * other side may decode them. This side can't look into such a message: a hash key that is a field isn't found.
 *
 * ```ts
 * const parts = { ...Definition, methods: { put: raw(Definition.methods.put) } }; // for a client
 * implement(Definition, handlers, { raw: ['put'] }); // for a server
 * ```
 */
export function raw<const M extends MethodDefinition>(method: M): Raw<M> {
  return { ...method, requestType: BYTES, responseType: BYTES };
}

/** Messages that stay encoded. */
export const BYTES: MessageType<Uint8Array> = {
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
  fromPartial: toBytes,
};

function toBytes(message: object): Uint8Array {
  if (message instanceof Uint8Array) return message;
  throw new TypeError('the method is raw: each of its messages must be encoded, as a Uint8Array');
}
