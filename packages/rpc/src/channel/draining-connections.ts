import type { Clock, Timer } from '../clock/index.js';
import type { Member } from './subchannel.js';

/** How long calls may go on over a connection that takes no more. Watches begin again elsewhere then. Milliseconds. */
const GRACE_MS = 300_000;

/** Connections that are used no more: each is closed once the calls that it has in flight have ended. */
export class Leaving {
  readonly #clock: Clock;
  readonly #timers = new Map<Member, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(member: Member): void {
    if (member.inFlight === 0) member.transport.close();
    else
      this.#timers.set(
        member,
        this.#clock.setTimer(GRACE_MS, () => this.#close(member), { keepAlive: false }),
      );
  }

  /** A call of `member` has ended. */
  onEnd(member: Member): void {
    if (this.#timers.size > 0 && this.#timers.has(member) && member.inFlight === 0) this.#close(member);
  }

  /** Closes all of them; calls in flight fail. */
  close(): void {
    for (const member of [...this.#timers.keys()]) this.#close(member);
  }

  #close(member: Member): void {
    this.#timers.get(member)?.cancel();
    this.#timers.delete(member);
    member.transport.close();
  }
}
