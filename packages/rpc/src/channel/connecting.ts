import type { Clock, Random, Timer } from '@rondo/base';
import type { Subchannel } from './subchannel.js';

/**
 * How long the first calls wait after the first connection of a small pool, so that the other connections that began at
 * the same time get their share of them. Milliseconds.
 */
const FIRST_CONNECTIONS_MS = 50;

/** How many connections a large pool makes at the same time when it has a ready one. */
const CONCURRENT_CONNECTS = 8;
/** How many it makes at the same time when it has none: a mute instance must not keep the first call waiting. */
const FIRST_CONNECTS = 4;

interface ConnectingOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Called when the first calls may go. */
  readonly onEnd: () => void;
}

/** Connects a pool. The first calls of a small one are held while all its connections are made; a large one is connected as calls need it. */
export class Connecting {
  readonly #options: ConnectingOptions;
  #first: 'over' | 'connecting' | Timer = 'over';
  #subchannels: readonly Subchannel[] = [];
  #idle: readonly Subchannel[] = [];
  #readyCount = 0;
  /** Whether no pick has to wait for the first connections or to start one. */
  done = false;

  constructor(options: ConnectingOptions) {
    this.#options = options;
  }

  /** Whether the first calls are held. */
  get holdsFirst(): boolean {
    return this.#first !== 'over';
  }

  /** Starts to hold calls: a small pool is about to connect. */
  begin(): void {
    this.#first = 'connecting';
  }

  /** Notes the subchannels and their states. Lets the first calls go if no connection is being made any more, or a while after the first one. */
  update(subchannels: readonly Subchannel[]): void {
    this.#subchannels = subchannels;
    this.#idle = subchannels.filter((subchannel) => subchannel.serving && isIdle(subchannel));
    this.#readyCount = subchannels.filter(({ ready }) => ready).length;
    if (this.holdsFirst && !subchannels.some(({ mayBecomeReady }) => mayBecomeReady)) this.#endFirst();
    else if (this.#first === 'connecting' && this.#readyCount > 0) {
      const { clock } = this.#options;
      this.#first = clock.setTimer(FIRST_CONNECTIONS_MS, () => this.#endFirst(), { keepAlive: false });
    }
    this.done = !this.holdsFirst && this.#idle.length === 0;
  }

  /**
   * Starts connections for the next call. With no ready subchannel it starts up to {@link FIRST_CONNECTS}. Otherwise it
   * starts one, with the chance that an even pick would fall on an idle subchannel.
   */
  onPick(): void {
    if (this.#idle.length === 0) return;
    const connecting = this.#subchannels.filter(({ transport }) => transport.state === 'connecting').length;
    if (this.#readyCount === 0) {
      for (let left = FIRST_CONNECTS - connecting; left > 0; left -= 1) this.#connectOneOf(this.#idle);
      return;
    }
    const idlePicked = this.#options.random.next() * (this.#idle.length + this.#readyCount) < this.#idle.length;
    if (idlePicked && connecting < CONCURRENT_CONNECTS) this.#connectOneOf(this.#idle);
  }

  /** Starts a connection to one of `subchannels` unless one is being made already: a call waits for them. */
  onWait(subchannels: readonly Subchannel[]): void {
    if (subchannels.every(({ transport }) => transport.state !== 'connecting')) {
      this.#connectOneOf(subchannels.filter(isIdle));
    }
  }

  #endFirst(): void {
    if (typeof this.#first === 'object') this.#first.cancel();
    this.#first = 'over';
    this.done = this.#idle.length === 0;
    this.#options.onEnd();
  }

  #connectOneOf(subchannels: readonly Subchannel[]): void {
    subchannels[Math.floor(this.#options.random.next() * subchannels.length)]?.connect();
  }
}

function isIdle({ transport }: Subchannel): boolean {
  return transport.state === 'idle';
}
