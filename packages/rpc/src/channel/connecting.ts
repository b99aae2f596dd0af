import type { Clock, Random, Timer } from '@rondo/base';
import type { Subchannel } from './subchannel.js';

/**
 * How long the first calls wait after the first connection of a small pool, so that the other connections that began at
 * the same time get their share of them. Milliseconds.
 */
const FIRST_CONNECTIONS_MS = 50;

interface FirstConnectionsOptions {
  readonly clock: Clock;
  /** Called when the first calls may go. */
  readonly onEnd: () => void;
}

/** Holds the first calls of a small pool while all its connections are being made. */
export class FirstConnections {
  readonly #options: FirstConnectionsOptions;
  #phase: 'over' | 'connecting' | Timer = 'over';

  constructor(options: FirstConnectionsOptions) {
    this.#options = options;
  }

  /** Whether the first calls are held. */
  get active(): boolean {
    return this.#phase !== 'over';
  }

  /** Starts to hold calls: the pool is about to connect. */
  begin(): void {
    this.#phase = 'connecting';
  }

  /** Lets the calls go if no connection is being made any more, or {@link FIRST_CONNECTIONS_MS} after the first one. */
  update(subchannels: readonly Subchannel[]): void {
    if (this.#phase === 'over') return;
    if (!subchannels.some(({ mayBecomeReady }) => mayBecomeReady)) this.#end();
    else if (this.#phase === 'connecting' && subchannels.some(({ ready }) => ready)) {
      this.#phase = this.#options.clock.setTimer(FIRST_CONNECTIONS_MS, () => this.#end(), { keepAlive: false });
    }
  }

  #end(): void {
    if (typeof this.#phase === 'object') this.#phase.cancel();
    this.#phase = 'over';
    this.#options.onEnd();
  }
}

/** How many connections a large pool makes at the same time when it has a ready one. */
const CONCURRENT_CONNECTS = 8;
/** How many it makes at the same time when it has none: a mute instance must not keep the first call waiting. */
const FIRST_CONNECTS = 4;

/** Connects the idle subchannels of a large pool as calls need them. */
export class ConnectOnDemand {
  readonly #random: Random;
  #subchannels: readonly Subchannel[] = [];
  #idle: readonly Subchannel[] = [];
  #readyCount = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Notes the subchannels and their states. */
  update(subchannels: readonly Subchannel[]): void {
    this.#subchannels = subchannels;
    this.#idle = subchannels.filter((subchannel) => subchannel.serving && isIdle(subchannel));
    this.#readyCount = subchannels.filter(({ ready }) => ready).length;
  }

  /** Whether there are idle subchannels to connect. */
  get pending(): boolean {
    return this.#idle.length > 0;
  }

  /**
   * Starts connections for the next call. With no ready subchannel it starts up to {@link FIRST_CONNECTS}. Otherwise it
   * starts one, with the chance that an even pick would fall on an idle subchannel.
   */
  onPick(): void {
    if (!this.pending) return;
    const connecting = this.#subchannels.filter(({ transport }) => transport.state === 'connecting').length;
    if (this.#readyCount === 0) {
      for (let left = FIRST_CONNECTS - connecting; left > 0; left -= 1) this.#connectOneOf(this.#idle);
      return;
    }
    const idlePicked = this.#random.next() * (this.#idle.length + this.#readyCount) < this.#idle.length;
    if (idlePicked && connecting < CONCURRENT_CONNECTS) this.#connectOneOf(this.#idle);
  }

  /** Starts a connection to one of `subchannels` unless one is being made already: a call waits for them. */
  onWait(subchannels: readonly Subchannel[]): void {
    if (subchannels.every(({ transport }) => transport.state !== 'connecting')) {
      this.#connectOneOf(subchannels.filter(isIdle));
    }
  }

  #connectOneOf(subchannels: readonly Subchannel[]): void {
    subchannels[Math.floor(this.#random.next() * subchannels.length)]?.connect();
  }
}

function isIdle({ transport }: Subchannel): boolean {
  return transport.state === 'idle';
}
