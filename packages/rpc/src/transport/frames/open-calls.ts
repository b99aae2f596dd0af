import { type CallParts, OpenCall } from './open-call.js';
import { FrameError } from './wire-format.js';

/** The open calls of a client's connection, by id. */
export class OpenCalls {
  /** 0 is the id of no call. */
  readonly #calls: (OpenCall | undefined)[] = [undefined];
  readonly #freeIds: number[] = [];
  #open = 0;
  /** How many calls were made; it wraps at 2^32. */
  #sequence = 0;
  /** What the requests in the first frames of open calls have together. Bytes. */
  unansweredBytes = 0;

  /** Whether another call can begin, if `most` may be open. */
  hasId(most: number): boolean {
    return this.#freeIds.length > 0 || this.#calls.length <= most;
  }

  begin(parts: CallParts): OpenCall {
    const id = this.#freeIds.pop() ?? this.#calls.length;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const call = new OpenCall(id, this.#sequence, parts);
    this.#calls[id] = call;
    this.#open += 1;
    this.unansweredBytes += call.requestBytes;
    return call;
  }

  /** The call with an id that the server has sent. @throws FrameError if it isn't open. */
  of(id: number): OpenCall {
    const call = this.#calls[id];
    if (call === undefined) throw new FrameError(`a frame for a call that isn't open: ${id}`);
    return call;
  }

  has(call: OpenCall): boolean {
    return this.#calls[call.id] === call;
  }

  delete(call: OpenCall): void {
    this.#calls[call.id] = undefined;
    this.#freeIds.push(call.id);
    this.#open -= 1;
    this.unansweredBytes -= call.requestBytes;
  }

  /** The calls that are open now. */
  all(): readonly OpenCall[] {
    return this.#calls.filter((call) => call !== undefined);
  }

  /** The calls that a server hasn't taken which has taken so many. @throws FrameError if it can't have taken as many. */
  after(accepted: number): readonly OpenCall[] {
    const sent = this.#sequence;
    const ended = (sent - this.#open) >>> 0;
    if (((sent - accepted) | 0) < 0 || ((accepted - ended) | 0) < 0) {
      throw new FrameError(`go_away says that ${accepted} calls were taken; ${sent} were sent and ${ended} have ended`);
    }
    return this.all().filter(({ sequence }) => ((sequence - accepted) | 0) > 0);
  }
}
