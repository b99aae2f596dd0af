import { UsageError } from '../errors.js';

/** What decides where a value ends: a text, the beginning of one that is cut off, a bracket, or white space. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|(")|[{}[\]\s]/gs;

/** Splits text into consecutive JSON values, with or without white space between them. */
export class JsonSplitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** What no value has ended in yet. */
  #text = '';

  /** Adds a piece of text and returns the values that it completes. They may be invalid JSON. */
  push(piece: Uint8Array | string): readonly string[] {
    this.#text += typeof piece === 'string' ? piece : this.#decode(piece);
    const values: string[] = [];
    let [depth, start] = [0, 0];
    for (const { 0: token, 1: cutOff, index } of this.#text.matchAll(TOKEN)) {
      if (cutOff !== undefined) break;
      if (token === '{' || token === '[') depth += 1;
      else if (token === '}' || token === ']') depth = Math.max(0, depth - 1);
      if (depth > 0) continue;
      // Numbers and words end at the white space after them.
      values.push(this.#text.slice(start, index + token.length).trim());
      start = index + token.length;
    }
    this.#text = this.#text.slice(start);
    return values.filter((value) => value !== '');
  }

  end(): readonly string[] {
    const last = (this.#text + this.#decode()).trim();
    this.#text = '';
    return last === '' ? [] : [last];
  }

  #decode(piece?: Uint8Array): string {
    try {
      return this.#decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new UsageError('standard input is not UTF-8, which JSON is encoded in; encode it so');
    }
  }
}
