import type { Clock } from '../clock/index.js';
import type { Balancing } from '../contract/index.js';

/** What a slow start is made with. */
interface SlowStartOptions {
  readonly clock: Clock;
  readonly balancing: Pick<Balancing, 'policy' | 'slowStartMs'>;
  /** Where the caller runs, as `region/zone`; empty where nobody said. */
  readonly zone: string;
}

/** What a newcomer has at once: with less it would see so few calls that nothing gets warm. Envoy's default, too. */
const LEAST_RAMP = 0.1;

/**
 * How the shares of newcomers grow, so that none is flooded while its caches are cold and its code isn't compiled.
 * Source: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start
 */
export class SlowStart {
  readonly clock: Clock;
  readonly #windowMs: number;
  readonly #greets: (zone: string) => boolean;

  constructor({ clock, balancing, zone }: SlowStartOptions) {
    this.clock = clock;
    this.#windowMs = balancing.slowStartMs;
    this.#greets = GREETINGS[balancing.policy]?.(zone) ?? always;
  }

  /** How much of its whole share it has now that began at `startedAt`: grows in a line, from a tenth on, to 1. */
  ramp(startedAt: number): number {
    if (startedAt === Number.NEGATIVE_INFINITY) return 1;
    const age = this.clock.now() - startedAt;
    return age >= this.#windowMs ? 1 : Math.max(LEAST_RAMP, age / this.#windowMs);
  }

  /**
   * Whether one call is sent to a newcomer in `zone` at once: where calls are few, a small share is long in coming. Not
   * where a call's key decides who gets it, or its zone does.
   */
  sendsFirstCall(zone: string): boolean {
    return this.#greets(zone);
  }
}

const always = () => true;

const GREETINGS: Partial<Record<Balancing['policy'], (own: string) => (zone: string) => boolean>> = {
  ring_hash: () => () => false,
  zone_aware: (own) => (zone) => zone === own,
};

/** Whether a subchannel has just come, and how far it is from being as any other: its share begins small. */
export class SlowStartState {
  readonly #slowStart: SlowStart;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** One that has come but hasn't been ready yet; one that no call was sent to; anybody else. */
  #stage: 'awaited' | 'stranger' | 'known' = 'known';

  constructor(slowStart: SlowStart) {
    this.#slowStart = slowStart;
  }

  /** When its share began to grow, by the clock: since ever, where it didn't just come. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** Whether it is to get a call at once, where it is in `zone`. */
  awaitsFirstCall(zone: string): boolean {
    return this.#stage === 'stranger' && this.#slowStart.sendsFirstCall(zone);
  }

  /** It is a process that has just come. */
  onArrival(): void {
    this.#stage = 'awaited';
  }

  /** It can take calls: its share begins to grow when that is first so. */
  onReady(): void {
    if (this.#stage !== 'awaited') return;
    this.#stage = 'stranger';
    this.#startedAt = this.#slowStart.clock.now();
  }

  /** A call is sent there: it is a stranger no more. */
  onFirstCall(): void {
    this.#stage = 'known';
  }
}
