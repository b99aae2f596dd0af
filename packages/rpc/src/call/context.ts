/** Names a value of a call's {@link CallContext}, and its type. It is equal to itself alone. */
export interface ContextKey<in out T> {
  /** What a call has that nothing was set for. */
  readonly defaultValue: T;
  /** For people: two keys may have the same. */
  readonly description: string | undefined;
}

/** How a key is made. */
export interface ContextKeyOptions {
  readonly description?: string;
}

/** Makes a key; once, where both what sets its value and what reads it can import it. */
export function createContextKey<T>(defaultValue: T, { description }: ContextKeyOptions = {}): ContextKey<T> {
  return { defaultValue, description };
}

/**
 * What the links of a call's chain tell those after them and the handler, such as whose call it is. Each call has its
 * own; a call that is made of it by `{ ...call }` shares it. It goes to no other process, nor to the calls that a handler
 * makes.
 */
export class CallContext {
  #values: Map<unknown, unknown> | undefined;

  /** The value of `key`: the last that was set, or else the key's default. */
  get<T>(key: ContextKey<T>): T {
    // What stands behind a key was set by that key, and is of its type.
    return this.#values?.has(key) ? (this.#values.get(key) as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: NoInfer<T>): this {
    this.#values ??= new Map();
    this.#values.set(key, value);
    return this;
  }

  /** Gives `key` its default again. */
  delete<T>(key: ContextKey<T>): this {
    this.#values?.delete(key);
    return this;
  }
}
