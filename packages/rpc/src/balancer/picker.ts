/** Chooses who gets the next call. */
export interface Picker {
  /** One of `candidates`; undefined only where there are none. The list is the same array until it changes. */
  pick<T>(candidates: readonly T[]): T | undefined;
}
