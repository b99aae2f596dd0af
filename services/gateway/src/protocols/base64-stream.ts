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
    const padding = groups.indexOf('=');
    return padding < 0 || padding >= end - 2 ? Buffer.from(groups, 'base64') : decodeGroups(groups);
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const VALUES = new Uint8Array(256);
for (const digits of [`${DIGITS}+/`, `${DIGITS}-_`])
  for (const [value, char] of Buffer.from(digits).entries()) VALUES[char] = value;

/** Decodes base64 groups, any of which may be padded; Node's decoder would stop at the first padding. Each group costs the same. */
function decodeGroups(groups: string): Buffer {
  const decoded = Buffer.allocUnsafe((groups.length / 4) * 3);
  let bytes = 0;
  for (let at = 0; at < groups.length; at += 4) {
    let bits = 0;
    for (let char = at; char < at + 4; char += 1) bits = (bits << 6) | (VALUES[groups.charCodeAt(char)] ?? 0);
    decoded.writeUIntBE(bits, bytes, 3);
    bytes += groups[at + 2] === '=' ? 1 : groups[at + 3] === '=' ? 2 : 3;
  }
  return decoded.subarray(0, bytes);
}
