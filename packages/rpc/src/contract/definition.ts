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

type Decoded<T> = T extends { decode(bytes: Uint8Array): infer M } ? M : never;
type Partial<T> = T extends { fromPartial(partial: infer P): unknown } ? P : never;

/** What a handler receives of a method, and a client's reply: the whole message. */
export type RequestOf<M extends MethodDefinition> = Decoded<M['requestType']>;
/** What a client reads. */
export type ResponseOf<M extends MethodDefinition> = Decoded<M['responseType']>;
/** What a client writes: any part of the message, so that a new field breaks no caller. */
export type RequestInit<M extends MethodDefinition> = Partial<M['requestType']>;
/** What a handler returns: any part of the message, so that a new field breaks no handler. */
export type ResponseInit<M extends MethodDefinition> = Partial<M['responseType']>;
