import type { Clock } from '@rondo/base';
import { type Balancing, POLICIES, type PolicyTraits } from '../contract/balancing.js';

/** Options of {@link SlowStart}. */
interface SlowStartOptions {
  readonly clock: Clock;
  readonly balancing: Pick<Balancing, 'policy' | 'slowStartMs'>;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
}

/** The share of a new instance at first. It is Envoy's default; with less, the instance would get too few calls to warm up. */
const MIN_RAMP = 0.1;

/**
 * Slow start: the share of a new instance grows linearly over a window, so that calls don't flood it while its caches are
 * cold and its code isn't compiled.
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start
 */
export class SlowStart {
  readonly clock: Clock;
  readonly #zone: string;
  #windowMs = 0;
  #sendsFirstCall: (zone: string) => boolean = () => true;

  constructor({ clock, balancing, zone }: SlowStartOptions) {
    this.clock = clock;
    this.#zone = zone;
    this.balancing = balancing;
  }

  /** Replaces the policy and the window. */
  set balancing({ policy, slowStartMs }: SlowStartOptions['balancing']) {
    this.#windowMs = slowStartMs;
    this.#sendsFirstCall = FIRST_CALLS[POLICIES[policy].affinity](this.#zone);
  }

  /** The part of its full share, 0.1 to 1, that an instance gets now whose slow start began at `startedAt`. */
  ramp(startedAt: number): number {
    if (startedAt === Number.NEGATIVE_INFINITY) return 1;
    const age = this.clock.now() - startedAt;
    return age >= this.#windowMs ? 1 : Math.max(MIN_RAMP, age / this.#windowMs);
  }

  /**
   * Whether a new instance in `zone` gets one call at once: at a low rate, its small share would bring the first
   * call late. False if the call's key or the zone decides where calls go.
   */
  sendsFirstCall(zone: string): boolean {
    return this.#sendsFirstCall(zone);
  }
}

const FIRST_CALLS: Record<PolicyTraits['affinity'], (own: string) => (zone: string) => boolean> = {
  none: () => () => true,
  key: () => () => false,
  zone: (own) => (zone) => zone === own,
};

/** The slow start of one instance. */
export class SlowStartState {
  readonly #slowStart: SlowStart;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** New but not ready yet; ready but without a first call; neither. */
  #stage: 'new' | 'awaiting_first_call' | 'started' = 'started';

  constructor(slowStart: SlowStart) {
    this.#slowStart = slowStart;
  }

  /** When the slow start began, by the channel's clock; negative infinity if there was none. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** Whether the instance, in `zone`, is to get one call at once. */
  awaitsFirstCall(zone: string): boolean {
    return this.#stage === 'awaiting_first_call' && this.#slowStart.sendsFirstCall(zone);
  }

  /** The instance is a process that has just started. */
  onArrival(): void {
    this.#stage = 'new';
  }

  /** The instance can take calls. If it couldn't before, its slow start begins. */
  onReady(): void {
    if (this.#stage !== 'new') return;
    this.#stage = 'awaiting_first_call';
    this.#startedAt = this.#slowStart.clock.now();
  }

  /** The instance gets its first call. */
  onFirstCall(): void {
    this.#stage = 'started';
  }
}
