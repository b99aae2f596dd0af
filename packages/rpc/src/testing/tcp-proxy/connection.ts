import type { Socket } from 'node:net';
import { Line, type LineOptions } from './line.js';

/** The two ends of a connection through the proxy. */
export interface Ends {
  readonly caller: Socket;
  readonly target: Socket;
}

/** A connection through the proxy: a line each way between the caller's socket and the target's. */
export class Connection {
  readonly #caller: Socket;
  readonly #target: Socket;
  readonly #lines: readonly Line[];
  readonly #onGone: () => void;
  /** Whether the target's end is gone without the caller's knowing. */
  #abandoned = false;

  /** @param onGone called once nothing crosses it any more. */
  constructor({ caller, target }: Ends, options: LineOptions, onGone: () => void) {
    this.#onGone = onGone;
    this.#caller = caller;
    this.#target = target;
    this.#lines = [new Line(caller, target, options), new Line(target, caller, options)];
    for (const end of [caller, target]) {
      end.on('error', () => this.cut());
      end.on('close', () => {
        if (caller.closed && target.closed) onGone();
      });
    }
  }

  /** Bytes that are held, both ways together. */
  get inTransit(): number {
    return this.#lines.reduce((sum, line) => sum + line.inTransit, 0);
  }

  /** Nothing crosses, and nothing breaks. */
  stall(): void {
    for (const line of this.#lines) line.stall();
  }

  /** What was held crosses. */
  resume(): void {
    if (!this.#abandoned) for (const line of this.#lines) line.resume();
  }

  /** Resets both ends. */
  cut(): void {
    this.#onGone();
    for (const line of this.#lines) line.close();
    this.#caller.resetAndDestroy();
    this.#target.resetAndDestroy();
  }

  /** Resets the target's end and leaves the caller's standing: nothing answers it, and nothing tells it why. */
  abandon(): void {
    this.#abandoned = true;
    for (const line of this.#lines) line.close();
    this.#target.resetAndDestroy();
  }
}
