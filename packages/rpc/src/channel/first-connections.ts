import type { Clock, Timer } from '../clock/index.js';
import type { Subchannel } from './subchannel.js';

/**
 * How long the first calls wait, once one endpoint of a small pool is connected, for the others that began to connect
 * with it: so that they are shared out evenly. Milliseconds.
 */
const FIRST_CONNECTIONS_MS = 50;

/** What an opening is made with. */
interface FirstConnectionsOptions {
  readonly clock: Clock;
  /** Told when the first calls may go. */
  readonly onEnd: () => void;
}

/** Holds the first calls while the connections of a small pool are being made at once. */
export class FirstConnections {
  readonly #options: FirstConnectionsOptions;
  #phase: 'over' | 'connecting' | Timer = 'over';

  constructor(options: FirstConnectionsOptions) {
    this.#options = options;
  }

  /** Whether the first calls are waiting. */
  get active(): boolean {
    return this.#phase !== 'over';
  }

  /** The connections of the first endpoints are about to be made. */
  begin(): void {
    this.#phase = 'connecting';
  }

  /** Lets the first calls go, once no connection is being made any more, or soon after the first that is. */
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
