/** A call with an idempotency key. */
export interface KeyedCall {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** The process and the principal that call; see `callerOf`. */
  readonly caller: string;
  /** The key, unique for a method and a caller. */
  readonly key: string;
  /** SHA-256 over the present fields of the request without its key. */
  readonly fingerprint: Uint8Array;
  /** How long the outcome is stored at least. Milliseconds. */
  readonly retentionMs: number;
}

/** How a call ended. */
export interface Outcome {
  /** The code of its status; 0 for success. */
  readonly code: number;
  /** The encoded reply; of an error, the encoded `google.rpc.Status`. */
  readonly bytes: Uint8Array;
}

/** The outcome of the first call with a key, and the fingerprint of that call's request. */
export interface StoredOutcome extends Outcome {
  readonly fingerprint: Uint8Array;
}

/**
 * Ends a stored call in the transaction of its handler, instead of storing its outcome: the call is then made no more.
 *
 * @throws if the attempt is no longer that of its process.
 */
export type Settle = (transaction: SettlingTransaction) => Promise<void>;

/** What {@link Settle} needs of a transaction of `@rondo/database`. */
interface SettlingTransaction {
  query<Row extends object>(
    sql: string,
    params?: readonly (string | bigint)[],
    options?: { readonly name?: string },
  ): Promise<Row[]>;
}

/**
 * The steps by which the database transaction of a call makes the call take effect once. Pass it to `transaction`
 * of `@rondo/database`.
 */
export interface Once extends KeyedCall {
  /** The transaction begins. @throws TypeError if the call has had one. */
  begin(): void;
  /** Runs the work of the transaction. It can call no other service. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Encodes the result of the work, which is the reply. It is stored before the commit. @throws TypeError if it is no reply. */
  encode(result: unknown): Uint8Array;
  /** An earlier call has the key. Returns the error that ends the transaction; the caller gets the stored outcome. */
  repeated(first: StoredOutcome): Error;
  /** Set if the call is stored, and this is its first attempt: it takes the place of the stored outcome. */
  readonly settle?: Settle | undefined;
}
