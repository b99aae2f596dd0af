/**
 * Identifies a value in a {@link ContextValues} and gives its type. Two keys are the same only if they are the same
 * object.
 */
export interface ContextKey<in out T> {
  /** The value while none has been set. */
  readonly defaultValue: T;
  /** For debugging; it needn't be unique. */
  readonly description: string | undefined;
}

/** Options of {@link createContextKey}. */
export interface ContextKeyOptions {
  readonly description?: string;
}

/** Creates a key. Create it once, in a module that both the writer and the reader of the value import. */
export function createContextKey<T>(defaultValue: T, { description }: ContextKeyOptions = {}): ContextKey<T> {
  return { defaultValue, description };
}

/**
 * Values that a call carries from one middleware to the next and to the handler, such as the authenticated user. Each
 * call has its own; a copy made by `{ ...call }` shares it. The values are sent to no other process and don't reach
 * calls that the handler makes.
 */
export class ContextValues {
  #values: Map<unknown, unknown> | undefined;

  /** The value of `key`: the last one set, or else the key's default. */
  get<T>(key: ContextKey<T>): T {
    // The entry was set with this key, so it has the key's type.
    return this.#values?.has(key) ? (this.#values.get(key) as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: NoInfer<T>): this {
    this.#values ??= new Map();
    this.#values.set(key, value);
    return this;
  }

  /** Removes the value, so that `key` has its default again. */
  delete<T>(key: ContextKey<T>): this {
    this.#values?.delete(key);
    return this;
  }
}
