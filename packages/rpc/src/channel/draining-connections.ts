import type { Clock, Timer } from '@rondo/base';
import type { Subchannel } from './subchannel.js';

/** How long a draining connection is kept for calls in flight. Streams may last for days. Milliseconds. */
const GRACE_MS = 300_000;

/** Connections that get no new calls. Each is closed when its calls in flight have ended. */
export class DrainingConnections {
  readonly #clock: Clock;
  readonly #timers = new Map<Subchannel, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(subchannel: Subchannel): void {
    if (subchannel.inFlight === 0) subchannel.transport.close();
    else
      this.#timers.set(
        subchannel,
        this.#clock.setTimer(GRACE_MS, () => this.#close(subchannel), { keepAlive: false }),
      );
  }

  /** A call of `subchannel` has ended. */
  onEnd(subchannel: Subchannel): void {
    if (this.#timers.size > 0 && this.#timers.has(subchannel) && subchannel.inFlight === 0) this.#close(subchannel);
  }

  /** Closes all of them. */
  close(): void {
    for (const subchannel of [...this.#timers.keys()]) this.#close(subchannel);
  }

  #close(subchannel: Subchannel): void {
    this.#timers.get(subchannel)?.cancel();
    this.#timers.delete(subchannel);
    subchannel.transport.close();
  }
}
