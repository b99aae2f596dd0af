import type { RequestKey } from '@rondo/resources/domain';

/** The methods that take a request id. */
type KeyedMethod = 'CreateCustomer' | 'CreateProduct' | 'AdjustStock' | 'CreateQuote' | 'PlaceOrder';

/** A request key together with its method. Each method has its own set of ids. */
export interface KeyedCall extends RequestKey {
  readonly method: KeyedMethod;
}

/** The keyed call of `method`; undefined if the request has no id. */
export function callOf(method: KeyedMethod, key: RequestKey | undefined): KeyedCall | undefined {
  return key && { ...key, method };
}

/** Records the calls that carried a request id. */
export interface RequestLog {
  /** Whether a call with this key has been carried out. @throws RequestIdReused */
  has(call: KeyedCall): Promise<boolean>;
  /**
   * Claims the key for the resource with this id, as part of the transaction. Returns false if an earlier call has it.
   * If two calls claim one key at once, the second waits until the first transaction ends.
   *
   * @throws RequestIdReused if the earlier call carried a different request.
   */
  claim(call: KeyedCall, id: string): Promise<boolean>;
}

/** Saves the first response to a keyed call, for its repetitions. The call has claimed its key before. */
export interface SavedResponses<T> {
  /** Saves the resource as it is now. */
  saveResponse(call: KeyedCall): Promise<void>;
  savedResponse(call: KeyedCall): Promise<T>;
}
