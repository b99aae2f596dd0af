import { yieldToEventLoop } from '@rondo/base';
import { MessageReader } from '../../wire/requests.js';
import { FrameError, type FrameSocket, KIND, MAX_BODY_BYTES } from './frames.js';
import { MAX_QUEUED_BYTES, type Outbox } from './outbox.js';

/**
 * How many calls begin or end in one turn of the event loop. With more, one end idles while the other reads everything that
 * has arrived. With fewer, writes cost more.
 */
const CALLS_A_TURN = 16;

/** Options of {@link FrameSource}. */
interface FrameSourceOptions {
  readonly socket: Pick<FrameSocket, 'pause' | 'resume'>;
  /** Handles a frame. */
  readonly onFrame: (kind: number, body: Buffer) => void;
  /** What holds up the reading while its peer leaves too much unread; undefined for nothing. */
  readonly outbox?: Outbox;
  /** Runs when the bytes are no frames, or `onFrame` throws a {@link FrameError}. Nothing is read any more. */
  readonly onFault: (fault: FrameError) => void;
}

/** Cuts the bytes that come to one end into frames, and hands them over while there is room. */
export class FrameSource {
  readonly #options: FrameSourceOptions;
  readonly #framing = new MessageReader({ checkPrefix });
  /** What came while earlier bytes waited. */
  readonly #chunks: Buffer[] = [];
  /** Why the bytes that have come aren't read now. */
  #waits: 'no' | 'for a turn' | 'for room' = 'no';
  #over = false;

  constructor(options: FrameSourceOptions) {
    this.#options = options;
  }

  /** The bytes that are kept of a frame that isn't complete. */
  get heldBytes(): number {
    return this.#framing.heldBytes;
  }

  /** Takes the next bytes of the socket. */
  push(chunk: Buffer): void {
    if (this.#waits !== 'no') {
      this.#chunks.push(chunk);
      return;
    }
    this.#framing.push(chunk);
    this.#readSome();
  }

  /** Goes on if there is room again. */
  resume(): void {
    if (this.#waits === 'for room' && !this.#isHeldUp) this.#readSome();
  }

  /** Reads all that has come: the socket has closed. */
  finish(): void {
    while (this.#waits !== 'no' && !this.#over) this.#readSome(Number.POSITIVE_INFINITY);
  }

  /** Reads nothing any more. */
  close(): void {
    this.#over = true;
    this.#chunks.length = 0;
  }

  #readSome(most = CALLS_A_TURN): void {
    const { socket } = this.#options;
    let calls = 0;
    while (!this.#over) {
      if (calls >= most) {
        this.#wait('for a turn');
        void yieldToEventLoop().then(this.#goOn);
        return;
      }
      if (most === CALLS_A_TURN && this.#isHeldUp) {
        this.#wait('for room');
        return;
      }
      const kind = this.#readOne();
      if (kind === KIND.call || kind === KIND.end || kind === KIND.cancel) calls += 1;
      if (kind !== undefined) continue;
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      this.#framing.push(chunk);
    }
    if (this.#waits !== 'no') socket.resume();
    this.#waits = 'no';
  }

  get #isHeldUp(): boolean {
    const { outbox } = this.#options;
    return outbox !== undefined && outbox.queuedBytes > MAX_QUEUED_BYTES;
  }

  readonly #goOn = (): void => {
    if (this.#waits === 'for a turn') this.#readSome();
  };

  #wait(how: 'for a turn' | 'for room'): void {
    if (this.#waits === 'no') this.#options.socket.pause();
    this.#waits = how;
  }

  /** Reads a frame, if all of it has come. Returns its kind. */
  #readOne(): number | undefined {
    try {
      const frame = this.#framing.next();
      if (frame === undefined) return undefined;
      this.#options.onFrame(frame.flags, frame.data);
      return frame.flags;
    } catch (fault) {
      if (!(fault instanceof FrameError)) throw fault;
      this.close();
      this.#options.onFault(fault);
      return undefined;
    }
  }
}

function checkPrefix(kind: number, length: number): void {
  if (kind === 0 || kind > KIND.goAway) throw new FrameError(`there is no frame of the kind ${kind}`);
  if (length > MAX_BODY_BYTES) throw new FrameError(`a frame has at most ${MAX_BODY_BYTES} bytes; this one ${length}`);
}
