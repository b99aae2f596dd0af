import type { Logger } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import type { SourceState, SourceView } from './resolver.js';

/** What a {@link SourceLog} is made from. */
export interface SourceLogOptions {
  readonly service: string;
  /** The registry's addresses. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is said of a change beside the state. */
export interface SourceFields {
  /** How many instances are known. */
  readonly known: number;
  readonly reason?: string;
  /** How old what is known is. */
  readonly ageMs?: number;
}

/** How a service's resolving stands with the registry: says each change once in the log, and counts it. */
export class SourceLog {
  readonly #options: SourceLogOptions;
  readonly #changes = new Map<SourceState, number>();
  #state: SourceState = 'connecting';
  #sinceMs: number;
  #address: string | undefined;

  constructor(options: SourceLogOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
  }

  get state(): SourceState {
    return this.#state;
  }

  /** Notes the state, and says so where it is another than before. */
  become(state: SourceState, fields: SourceFields): void {
    if (state === this.#state) return;
    const { service, addresses, clock, log } = this.#options;
    const { level, message } = describe(this.#state, state, fields.known);
    this.#state = state;
    this.#sinceMs = clock.now();
    this.#changes.set(state, (this.#changes.get(state) ?? 0) + 1);
    log[level]({ target: service, registry: addresses, followed: this.#address, ...fields }, message);
  }

  /** Notes which registry answers, and says so where it is another than before. */
  reached(address: string, reason: string | undefined): void {
    const before = this.#address;
    this.#address = address;
    // The change of state tells of one that was away.
    if (before === undefined || before === address || this.#state === 'away') return;
    const { service, log } = this.#options;
    log.info({ target: service, from: before, to: address, reason }, 'another registry is followed now');
  }

  view(position: SourceView['position']): SourceView {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      address: this.#address,
      position,
      changes: new Map(this.#changes),
    };
  }
}

interface Line {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
}

const LINES: Readonly<Record<SourceState, Line>> = {
  connecting: { level: 'debug', message: 'the registry is asked' },
  connected: { level: 'info', message: 'the registry is back' },
  warming: {
    level: 'info',
    message: 'the registry has started empty: the instances known stand until it has heard of all',
  },
  stale: {
    level: 'warn',
    message: 'the registry lags behind what is known: what it says is left aside until it has caught up',
  },
  away: { level: 'warn', message: 'the registry is away: calls go on over the instances known' },
  last_known: {
    level: 'warn',
    message: 'the registry is away: calls go to the instances that an earlier process knew',
  },
};

function describe(from: SourceState, to: SourceState, known: number): Line {
  if (to === 'away' && known === 0) return { level: 'warn', message: 'the registry is away, and no instance is known' };
  if (to !== 'connected') return LINES[to];
  if (from === 'connecting') return { level: 'debug', message: 'the registry is connected' };
  if (from === 'warming') return { level: 'info', message: 'the registry has warmed up' };
  return from === 'stale' ? { level: 'info', message: 'the registry has caught up' } : LINES.connected;
}
