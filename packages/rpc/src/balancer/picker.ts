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
