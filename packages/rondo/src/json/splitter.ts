import { UsageError } from '../errors.js';

/** Splits text into consecutive JSON values, with or without white space between them. */
export class JsonSplitter {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #text = '';
  /** How much of `#text` has been scanned. */
  #seen = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Adds a piece of text and returns the values that it completes. They may be invalid JSON. */
  push(piece: Uint8Array | string): readonly string[] {
    this.#text += typeof piece === 'string' ? piece : this.#decode(piece);
    const values: string[] = [];
    while (this.#seen < this.#text.length) {
      const character = this.#text[this.#seen++] ?? '';
      if (this.#ends(character)) this.#cut(values);
    }
    return values;
  }

  end(): readonly string[] {
    this.#text += this.#decode();
    const values: string[] = [];
    this.#cut(values);
    return values;
  }

  #decode(piece?: Uint8Array): string {
    try {
      return this.#decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new UsageError('standard input is not UTF-8, which JSON is encoded in; encode it so');
    }
  }

  /** Whether a value ends with `character`. Numbers and words end at the white space after them. */
  #ends(character: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return !this.#inString && this.#depth === 0;
    }
    if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth = Math.max(0, this.#depth - 1);
      return this.#depth === 0;
    }
    return this.#depth === 0 && /\s/.test(character);
  }

  #cut(values: string[]): void {
    const value = this.#text.slice(0, this.#seen).trim();
    this.#text = this.#text.slice(this.#seen);
    this.#seen = 0;
    if (value !== '') values.push(value);
  }
}
