import type { Clock } from '@rondo/base';
import type { Logger } from '../call/call.js';
import type { SourceState, SourceView } from './resolver.js';

export interface SourceLogOptions {
  readonly service: string;
  /** The registry's addresses. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Fields of a log line besides the state. */
export interface SourceFields {
  /** How many instances are known. */
  readonly known: number;
  readonly reason?: string;
  /** The age of the known instances. Milliseconds. */
  readonly ageMs?: number;
}

/** The state of a service's resolution: logs each change once, and counts it. */
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

  /** Sets the state, and logs it if it has changed. */
  become(state: SourceState, fields: SourceFields): void {
    if (state === this.#state) return;
    const { service, addresses, clock, log } = this.#options;
    const { level, message } = describe(this.#state, state, fields.known);
    this.#state = state;
    this.#sinceMs = clock.now();
    this.#changes.set(state, (this.#changes.get(state) ?? 0) + 1);
    log[level]({ target: service, registry: addresses, followed: this.#address, ...fields }, message);
  }

  /** Sets the registry that answers, and logs it if it has changed. */
  reached(address: string, reason: string | undefined): void {
    const before = this.#address;
    this.#address = address;
    // If a registry was away, the change of state says so already.
    if (before === undefined || before === address || this.#state === 'away') return;
    const { service, log } = this.#options;
    log.info({ target: service, from: before, to: address, reason }, 'another registry is watched now');
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
    message: 'the registry has started empty: the known instances are kept until it has heard of all',
  },
  stale: {
    level: 'warn',
    message: 'the registry lags behind the known instances: its answers are ignored until it has caught up',
  },
  away: { level: 'warn', message: 'the registry is away: calls go on to the known instances' },
  last_known: {
    level: 'warn',
    message: 'the registry is away: calls go to the instances that an earlier process saved',
  },
};

function describe(from: SourceState, to: SourceState, known: number): Line {
  if (to === 'away' && known === 0) return { level: 'warn', message: 'the registry is away, and no instance is known' };
  if (to !== 'connected') return LINES[to];
  if (from === 'connecting') return { level: 'debug', message: 'the registry is connected' };
  if (from === 'warming') return { level: 'info', message: 'the registry has warmed up' };
  return from === 'stale' ? { level: 'info', message: 'the registry has caught up' } : LINES.connected;
}
