import { type CallFrame, MAX_METHODS, METHOD_PATH, PREFACE } from './frames.js';
import { FrameError } from './wire-format.js';

/** The beginning of a connection, as a server reads it. */
export class Preface {
  #bytes = 0;

  /** What of a chunk comes after the preface; undefined if the client doesn't begin by it. */
  take(chunk: Buffer): Buffer | undefined {
    const from = this.#bytes;
    const part = chunk.subarray(0, PREFACE.length - from);
    if (PREFACE.compare(part, 0, part.length, from, from + part.length) !== 0) return undefined;
    this.#bytes += part.length;
    return chunk.subarray(part.length);
  }
}

/** The methods that a client has called on a connection, by the numbers that it has given them. */
export class KnownMethods {
  readonly #paths: string[] = [];

  /** The path of a call's method; remembers it if it is new. @throws FrameError if the number or the path is wrong. */
  pathOf({ method, path }: CallFrame): string {
    const known = this.#paths[method];
    if (known !== undefined && path === '') return known;
    if (method !== this.#paths.length || path === '') {
      throw new FrameError(`the number of a method is wrong: ${method}`);
    }
    if (!METHOD_PATH.test(path))
      throw new FrameError('the path of a method has at most 256 printable characters without spaces');
    if (method >= MAX_METHODS) throw new FrameError(`a connection calls at most ${MAX_METHODS} methods`);
    this.#paths.push(path);
    return path;
  }
}
