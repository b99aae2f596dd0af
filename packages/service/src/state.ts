/** An observable value. */
export interface State<T> {
  readonly current: T;
  /** Calls `listener` with each later value, until the returned function is called. */
  subscribe(listener: (value: T) => void): () => void;
}

/** A {@link State} that its holder may change. */
export interface MutableState<T> extends State<T> {
  /** Sets the value. Setting the current value again notifies no listener. */
  set(value: T): void;
}

/** Creates a state that begins with `initial`. */
export function createState<T>(initial: T): MutableState<T> {
  const listeners = new Set<(value: T) => void>();
  let current = initial;
  return {
    get current() {
      return current;
    },
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) listener(value);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Yields the current value of `state` and then each change, until `signal` aborts. A slow reader skips intermediate
 * values and gets the latest one.
 */
export async function* follow<T>(state: State<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  let wake: () => void = () => undefined;
  const onEvent = () => wake();
  const unsubscribe = state.subscribe(onEvent);
  signal.addEventListener('abort', onEvent);
  try {
    let yielded: { value: T } | undefined;
    while (!signal.aborted) {
      const value = state.current;
      if (yielded === undefined || !Object.is(yielded.value, value)) {
        yielded = { value };
        yield value;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', onEvent);
  }
}

/**
 * Whether an instance takes calls. `starting`: one of its own dependencies is unavailable, at startup or later.
 * `serving`: it takes calls. `draining`: it is shutting down, and never returns to another phase.
 */
export type Phase = 'starting' | 'serving' | 'draining';

/** An instance's phase, and what it waits for while it is `starting`. */
export interface Readiness {
  readonly phase: Phase;
  /** The dependencies that are unavailable, as noun phrases: `the database at db:5432`. */
  readonly waitingFor: readonly string[];
}

/** The readiness of an instance whose dependencies `waitingFor` are unavailable; `serving` if the list is empty. */
export function readinessOf(waitingFor: readonly string[]): Readiness {
  return { phase: waitingFor.length === 0 ? 'serving' : 'starting', waitingFor };
}

/** The readiness of an instance that is shutting down. */
export const DRAINING: Readiness = { phase: 'draining', waitingFor: [] };
