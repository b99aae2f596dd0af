/** One endpoint as a picker sees it, for the calls of one method. What changes with every call is read at every pick. */
export interface Candidate {
  /** Its stable name. */
  readonly id: string;
  /** `region/zone`; empty where nobody said. */
  readonly zone: string;
  /** Its share of calls against its peers', above 0: where policies weigh by what it registered with. */
  readonly weight: number;
  /** The same where they weigh by the load that it reports; undefined until that is known. */
  readonly loadWeight: number | undefined;
  /** How much of its share it is to have by now, above 0 and at most 1: a newcomer's grows. */
  readonly ramp: number;
  /** The calls of the method that this process has there now. */
  readonly inFlight: number;
}

/** What a service would have at hand if all of it were well. */
export type Capacity = Pick<Candidate, 'zone' | 'weight'>;

/** What a call brings to its pick. */
export interface PickCall<C> {
  /** What decides who gets it, where a policy goes by that; undefined or empty where it has none. */
  readonly hashKey: string | undefined;
  /** Where it has been already. */
  readonly tried: readonly C[];
  /** The version of the instances that it is for alone; undefined for any. Policies see none but those. */
  readonly version?: string | undefined;
}

/** Chooses who gets the next call, among candidates that stay the same as long as it lives. */
export interface Picker<C extends Candidate> {
  /** One that isn't in `tried`; undefined where all are. */
  pick(call: PickCall<C>): C | undefined;
}

/** A way to share calls out. It lives as long as the client, and carries what one picker leaves to the next. */
export interface BalancingPolicy {
  /**
   * What picks among `candidates`. Weights and ramps are read now: where they change, another picker takes the place of
   * this one. `capacity` is of them and of those that could be expected to take calls as well, but don't: the policy
   * can tell by it how much was lost where; without it, nothing was.
   */
  over<C extends Candidate>(candidates: readonly C[], capacity?: readonly Capacity[]): Picker<C>;
}

/** Picks the candidate whose place `draw` gives, whatever is going on there. */
export function drawn<C extends Candidate>(candidates: readonly C[], draw: () => number): Picker<C> {
  return {
    pick({ tried }) {
      const place = drawUntried(candidates, tried, draw);
      return place === undefined ? undefined : candidates[place];
    },
  };
}

/** How often chance is asked for one that isn't tried, before the next one in the list is taken. */
const DRAWS = 4;

/**
 * The place of one that `draw`, which gives places, comes to and that isn't among `tried`; undefined where all are, or
 * the list is empty.
 */
export function drawUntried<C>(candidates: readonly C[], tried: readonly C[], draw: () => number): number | undefined {
  if (tried.length === 0) return candidates.length === 0 ? undefined : draw();
  for (let left = DRAWS; left > 0; left -= 1) {
    const place = draw();
    const candidate = candidates[place];
    if (candidate !== undefined && !tried.includes(candidate)) return place;
  }
  return nextUntried(candidates, tried, draw());
}

/** The first place from `from` on, round to it again, of one that isn't among `tried`; undefined where all are. */
export function nextUntried<C>(candidates: readonly C[], tried: readonly C[], from: number): number | undefined {
  // One more than were tried: whichever list it is, one of those is left.
  const steps = Math.min(candidates.length, tried.length + 1);
  for (let step = 0; step < steps; step += 1) {
    const place = (from + step) % candidates.length;
    const candidate = candidates[place];
    if (candidate !== undefined && !tried.includes(candidate)) return place;
  }
  return undefined;
}
