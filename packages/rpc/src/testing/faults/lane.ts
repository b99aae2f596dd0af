import type { Clock, Timer } from '../../clock/index.js';

/** How one direction of a connection is. */
export interface LaneOptions {
  readonly clock: Clock;
  /** How long what is sent now takes. */
  readonly latencyMs: () => number;
  /** Whether nothing arrives now. */
  readonly blocked: () => boolean;
}

interface Message {
  readonly at: number;
  readonly deliver: () => void;
}

/** One direction of a connection: what is sent arrives in order, late or once it can. */
export class Lane {
  readonly #options: LaneOptions;
  #queue: Message[] = [];
  #timer: Timer | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Whether something is still under way. */
  get busy(): boolean {
    return this.#queue.length > 0;
  }

  /** Has `deliver` called when it arrives: at once where nothing is in its way. */
  send(deliver: () => void): void {
    const { clock, latencyMs } = this.#options;
    const at = Math.max(clock.now() + latencyMs(), this.#queue.at(-1)?.at ?? 0);
    this.#queue.push({ at, deliver });
    this.pump();
  }

  /** Delivers what can arrive by now. */
  pump(): void {
    const { clock, blocked } = this.#options;
    for (let head = this.#queue[0]; head !== undefined && !blocked(); head = this.#queue[0]) {
      if (head.at > clock.now()) {
        this.#wakeAt(head.at);
        return;
      }
      this.#queue.shift();
      head.deliver();
    }
  }

  /** Loses what is under way. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  #wakeAt(at: number): void {
    if (this.#timer !== undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(at - clock.now(), () => {
      this.#timer = undefined;
      this.pump();
    });
  }
}
