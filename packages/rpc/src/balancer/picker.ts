/** One endpoint as a policy sees it, for the calls of one method. `inFlight` changes with each call and is read at each pick. */
export interface Candidate {
  /** The instance's name. It stays the same while the instance lives. */
  readonly id: string;
  /** `region/zone`; empty if unknown. */
  readonly zone: string;
  /** The weight that the instance registered with, above 0. Calls are divided in proportion to the weights. */
  readonly weight: number;
  /** The weight that follows from the load that the instance reports; undefined until it has reported. */
  readonly loadWeight: number | undefined;
  /** Slow start: the part of its share that the candidate gets now, above 0 and at most 1. It grows to 1. */
  readonly ramp: number;
  /** The calls of the method that this process has in flight at the instance. */
  readonly inFlight: number;
}

/** An endpoint that is expected to take calls, whether it can take them now or not. */
export type Capacity = Pick<Candidate, 'zone' | 'weight'>;

/** What a call passes to its pick. */
export interface PickCall<C> {
  /** The key that `ring_hash` picks by; undefined or empty if the call has none. Other policies ignore it. */
  readonly hashKey: string | undefined;
  /** The candidates that the call has tried. None of them is picked again. */
  readonly tried: readonly C[];
  /** How many of `tried`, the first ones, the call only avoids. */
  readonly avoided?: number;
  /** The only version whose instances may get the call; undefined for any. Policies get instances of that version only. */
  readonly version?: string | undefined;
}

/** Picks a candidate for each call. The list of candidates stays the same while the picker lives. */
export interface Picker<C extends Candidate> {
  /** A candidate that is not in `tried`; undefined if there is none. */
  pick(call: PickCall<C>): C | undefined;
}

/** A way to divide calls. It lives as long as the client and holds the state that one picker passes on to the next. */
export interface BalancingPolicy {
  /**
   * Creates a picker over `candidates`. The picker reads weights and ramps once, now; if they change, a new picker
   * replaces it. `capacity` lists the candidates and the endpoints that are expected to take calls but can't now, so that
   * the policy knows how much of each zone is missing. Default: nothing is missing.
   */
  over<C extends Candidate>(candidates: readonly C[], capacity?: readonly Capacity[]): Picker<C>;
}

/** A picker that takes the candidate at the index that `draw` gives. It reads nothing else at a pick. */
export function drawPicker<C extends Candidate>(candidates: readonly C[], draw: () => number): Picker<C> {
  return {
    pick({ tried }) {
      const index = drawUntried(candidates, tried, draw);
      return index === undefined ? undefined : candidates[index];
    },
  };
}

/** How many draws look for a candidate that has not been tried. After them, the next untried one in the list is taken. */
const MAX_DRAWS = 4;

/**
 * The index of a candidate that is not in `tried`, from `draw`, which gives indexes into `candidates`. Undefined if all
 * have been tried or there are none.
 */
export function drawUntried<C>(candidates: readonly C[], tried: readonly C[], draw: () => number): number | undefined {
  if (tried.length === 0) return candidates.length === 0 ? undefined : draw();
  for (let left = MAX_DRAWS; left > 0; left -= 1) {
    const index = draw();
    const candidate = candidates[index];
    if (candidate !== undefined && !tried.includes(candidate)) return index;
  }
  return nextUntried(candidates, tried, draw());
}

/**
 * The first index, at `from` or after it, of a candidate that is not in `tried`. The search wraps round the end of the
 * list. Undefined if all have been tried.
 */
export function nextUntried<C>(candidates: readonly C[], tried: readonly C[], from: number): number | undefined {
  // Of `tried.length + 1` different candidates at least one has not been tried.
  const steps = Math.min(candidates.length, tried.length + 1);
  for (let step = 0; step < steps; step += 1) {
    const index = (from + step) % candidates.length;
    const candidate = candidates[index];
    if (candidate !== undefined && !tried.includes(candidate)) return index;
  }
  return undefined;
}
