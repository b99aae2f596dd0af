/** A value that changes, and those who want to know. */
export interface State<T> {
  readonly current: T;
  /** Tells each later change, until the returned function is called. */
  subscribe(listener: (value: T) => void): () => void;
}

/** A {@link State} for the one who changes it. */
export interface MutableState<T> extends State<T> {
  /** Changes the value; the same value again is no change. */
  set(value: T): void;
}

/** Makes a state. */
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
 * The value of `state` now, then each change, until `signal` aborts. A slow reader misses what was in between and
 * sees the latest.
 */
export async function* follow<T>(state: State<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  let wake: () => void = () => undefined;
  const onEvent = () => wake();
  const unsubscribe = state.subscribe(onEvent);
  signal.addEventListener('abort', onEvent);
  try {
    let told: { value: T } | undefined;
    while (!signal.aborted) {
      const value = state.current;
      if (told === undefined || !Object.is(told.value, value)) {
        told = { value };
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
 * Whether an instance takes calls: `starting` while one of its own dependencies is away, whether for the first time
 * or again; `draining` once it is told to stop, for good.
 */
export type Phase = 'starting' | 'serving' | 'draining';

/** An instance's phase, and what it waits for while it is `starting`. */
export interface Readiness {
  readonly phase: Phase;
  /** The dependencies that are away, as they stand in a sentence: `the database at db:5432`. */
  readonly waitingFor: readonly string[];
}

/** The readiness of an instance whose own dependencies are `waitingFor` away. */
export function readinessOf(waitingFor: readonly string[]): Readiness {
  return { phase: waitingFor.length === 0 ? 'serving' : 'starting', waitingFor };
}

/** The readiness of an instance that is about to stop. */
export const DRAINING: Readiness = { phase: 'draining', waitingFor: [] };
