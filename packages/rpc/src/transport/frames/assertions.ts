import { MAX_ASSERTION_LENGTH } from '../../principal/claims.js';
import { FrameError } from './frames.js';

/** How many assertions both ends of a connection remember. The client reuses their numbers, the oldest first. */
export const MAX_ASSERTIONS = 1_024;

/** The client's end: gives each assertion a number, so that it is sent once and not with each call. */
export class SentAssertions {
  readonly #numbers = new Map<string, number>();
  readonly #assertions: string[] = [];
  #next = 0;

  /** The number of an assertion, from 1; negative if the text has to be sent with this call. */
  numberOf(assertion: string): number {
    const known = this.#numbers.get(assertion);
    if (known !== undefined) return known;
    const replaced = this.#assertions[this.#next];
    if (replaced !== undefined) this.#numbers.delete(replaced);
    this.#assertions[this.#next] = assertion;
    const number = this.#next + 1;
    this.#numbers.set(assertion, number);
    this.#next = number % MAX_ASSERTIONS;
    return -number;
  }
}

/** The server's end: what the client has sent under each number. */
export class KnownAssertions<T extends { readonly assertion: string }> {
  /** The memory of what it has. Bytes. */
  heldBytes = 0;
  readonly #known: T[] = [];
  readonly #create: (assertion: string) => T;

  constructor(create: (assertion: string) => T) {
    this.#create = create;
  }

  /** What a call refers to; undefined if it refers to none. @throws FrameError if the client hasn't sent it. */
  of(number: number, assertion: string | undefined): T | undefined {
    if (number === 0) return undefined;
    if (number > MAX_ASSERTIONS)
      throw new FrameError(`a connection has ${MAX_ASSERTIONS} assertions; ${number} is above`);
    if (assertion !== undefined) this.#keep(number - 1, assertion);
    const known = this.#known[number - 1];
    if (known === undefined) throw new FrameError(`the assertion ${number} has not been sent`);
    return known;
  }

  #keep(at: number, assertion: string): void {
    // Calls with a longer one are refused, whatever it says.
    const kept = assertion.length > MAX_ASSERTION_LENGTH ? '' : assertion;
    this.heldBytes += kept.length - (this.#known[at]?.assertion.length ?? 0);
    this.#known[at] = this.#create(kept);
  }
}
