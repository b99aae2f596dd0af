/**
 * Decodes base64 that arrives in chunks, as `application/grpc-web-text` sends it: padding may stand after any group of
 * four characters, because a sender may encode each message by itself.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export class Base64Stream {
  /** Up to three characters of a group that isn't complete. */
  #rest = '';

  /** Whether the characters so far end with a whole group. */
  get whole(): boolean {
    return this.#rest === '';
  }

  decode(chunk: Buffer): Buffer {
    const text = this.#rest + chunk.toString('latin1');
    const end = text.length - (text.length % 4);
    this.#rest = text.slice(end);
    const groups = text.slice(0, end);
    if (!groups.includes('=')) return Buffer.from(groups, 'base64');
    const parts = groups.match(/[^=]+=*/g) ?? [];
    return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
  }
}
