import { CallWindow } from '@rondo/rpc/internal';
import type { BreakerPolicy, BreakerView } from './channel-types.js';
import type { Verdict } from './verdict.js';

/** The time from the opening, and from each probe, to the next probe. Milliseconds. */
export const PROBE_INTERVAL_MS = 250;
/** The slots of the window. */
const SLOTS = 20;
/** How many bad calls in a row open the breaker if most instances fail as well. */
const MIN_IN_PANIC = 5;

/** A call that the breaker has let through. */
export interface AdmittedCall {
  readonly startedAt: number;
  /** The number of state transitions before the call. A call that began before the last transition says nothing about the state. */
  readonly epoch: number;
  /** Whether it is counted already, as slow. */
  counted: boolean;
}

/** What opens or closes, in numbers, for texts. */
export interface BreakerFigures {
  readonly state: BreakerView['state'];
  /** When the breaker opened last, by the channel's clock. */
  readonly openedAt: number;
  /** When the next call probes. */
  readonly probeAt: number;
  /** Why it opened last, such as `20 of 24 calls in 10 s failed, the last 19 in a row (the last: …)`. */
  readonly reason: string;
  /** How many probes in a row have succeeded since. */
  readonly succeeded: number;
  /** How often it has opened. */
  readonly openings: number;
  /** The calls that it has refused. */
  readonly refused: number;
  /** The calls within the window, and the bad ones of them. */
  readonly calls: number;
  readonly bad: number;
}

/** What a breaker is made from. */
export interface BreakerOptions {
  readonly policy: BreakerPolicy;
  readonly now: number;
  /** Whether most instances fail, as outlier detection has found (panic mode). */
  readonly inPanic: () => boolean;
  /** The state has changed. */
  readonly onChange: (figures: BreakerFigures) => void;
}

/**
 * The circuit breaker of one method. It sets no timer: each call passes the time. Source: M. Nygard, Release It!,
 * chapter "Stability Patterns"; docs/adr/0021-ejection-and-breakers.md says where it differs and why.
 */
export class Breaker implements BreakerFigures {
  state: BreakerView['state'] = 'closed';
  openedAt: number;
  probeAt = 0;
  reason = '';
  succeeded = 0;
  openings = 0;
  refused = 0;
  readonly #inPanic: () => boolean;
  readonly #onChange: BreakerOptions['onChange'];
  #policy: BreakerPolicy;
  #window: CallWindow;
  /** The bad calls since the last good one. */
  #badInRow = 0;
  #epoch = 0;
  /** The calls in flight that aren't counted yet, in the order of their start. Only kept if calls can be slow. */
  readonly #running = new Set<AdmittedCall>();

  constructor({ policy, now, inPanic, onChange }: BreakerOptions) {
    this.#policy = policy;
    this.#window = new CallWindow(policy.windowMs, SLOTS);
    this.openedAt = now;
    this.#inPanic = inPanic;
    this.#onChange = onChange;
  }

  get policy(): BreakerPolicy {
    return this.#policy;
  }

  get calls(): number {
    return this.#window.calls;
  }

  get bad(): number {
    return this.#window.faults;
  }

  /** Replaces the policy. The state stays; the count begins anew if the window has changed. */
  set policy(policy: BreakerPolicy) {
    if (policy.windowMs !== this.#policy.windowMs) this.#window = new CallWindow(policy.windowMs, SLOTS);
    if (policy.slowCallMs === undefined) this.#running.clear();
    this.#policy = policy;
  }

  /** Whether a call at `now` is refused. Takes no probe. */
  refuses(now: number): boolean {
    this.#countSlow(now);
    return this.state !== 'closed' && now < this.probeAt;
  }

  /** Begins a call. Undefined: it is refused. */
  begin(now: number): AdmittedCall | undefined {
    if (this.refuses(now)) {
      this.refused += 1;
      return undefined;
    }
    if (this.state !== 'closed') this.probeAt = now + PROBE_INTERVAL_MS;
    const call = { startedAt: now, epoch: this.#epoch, counted: false };
    if (this.#policy.slowCallMs !== undefined) this.#running.add(call);
    return call;
  }

  /** Ends a call. `lastError` is its failure, for texts. */
  end(
    call: AdmittedCall,
    verdict: Verdict,
    { now, lastError }: { readonly now: number; readonly lastError: string },
  ): void {
    this.#running.delete(call);
    if (call.counted || verdict === 'neutral') return;
    const slow = this.#isSlow(call, now);
    this.#count(call, verdict === 'bad' || slow, { now, why: verdict === 'bad' ? lastError : 'slow' });
  }

  /** Counts the calls in flight that have become slow: a dependency that has frozen answers none. */
  #countSlow(now: number): void {
    for (const call of this.#running) {
      if (!this.#isSlow(call, now)) return;
      this.#running.delete(call);
      call.counted = true;
      this.#count(call, true, { now, why: 'no answer yet' });
    }
  }

  #isSlow({ startedAt }: AdmittedCall, now: number): boolean {
    const { slowCallMs = Number.POSITIVE_INFINITY } = this.#policy;
    return now - startedAt >= slowCallMs;
  }

  #count({ epoch }: AdmittedCall, bad: boolean, { now, why }: { readonly now: number; readonly why: string }): void {
    if (epoch !== this.#epoch) return;
    if (this.state !== 'closed') {
      this.#onProbe(bad);
      return;
    }
    this.#window.note(bad, now);
    // After a window without a call, the row is as old as the rest.
    const isFirst = this.#window.calls === 1;
    this.#badInRow = bad ? (isFirst ? 0 : this.#badInRow) + 1 : 0;
    if (!bad || !this.#opens()) return;
    const { calls, faults: badCalls } = this.#window;
    const seconds = this.#policy.windowMs / 1_000;
    const { slowCallMs } = this.#policy;
    const how = slowCallMs === undefined ? 'failed' : `failed or took ${slowCallMs} ms or more`;
    this.reason = `${badCalls} of ${calls} calls in ${seconds} s ${how}, the last ${this.#badInRow} in a row (the last: ${why})`;
    this.openedAt = now;
    this.openings += 1;
    this.succeeded = 0;
    this.probeAt = now + PROBE_INTERVAL_MS;
    this.#become('open');
  }

  #opens(): boolean {
    const { calls, faults: bad } = this.#window;
    const badInRow = this.#badInRow;
    const { minCalls, failurePercent } = this.#policy;
    if (badInRow >= minCalls) return true;
    if (calls >= minCalls && bad * 100 >= failurePercent * calls) return true;
    return badInRow >= MIN_IN_PANIC && this.#inPanic();
  }

  #onProbe(bad: boolean): void {
    if (bad) {
      this.succeeded = 0;
      if (this.state === 'half_open') this.#become('open');
      return;
    }
    this.succeeded += 1;
    if (this.succeeded >= this.#policy.probes) {
      this.#window = new CallWindow(this.#policy.windowMs, SLOTS);
      this.#become('closed');
    } else if (this.state === 'open') this.#become('half_open');
  }

  #become(state: BreakerView['state']): void {
    const between = state === 'half_open' || (this.state === 'half_open' && state === 'open');
    this.state = state;
    // Probes overlap if they are slow. Those in flight still count between open and half open.
    if (!between) this.#newEpoch();
    this.#onChange(this);
  }

  #newEpoch(): void {
    this.#epoch += 1;
    this.#running.clear();
  }
}
