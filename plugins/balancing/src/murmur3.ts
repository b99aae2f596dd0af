/** MurmurHash3 (Austin Appleby; x86, 32 bits) of a text as UTF-16LE. Unsigned. It is not a cryptographic hash. */
export function murmur3(text: string, seed: number): number {
  let hash = seed | 0;
  const { length } = text;
  for (let index = 1; index < length; index += 2) {
    hash ^= scramble(text.charCodeAt(index - 1) | (text.charCodeAt(index) << 16));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (length % 2 === 1) hash ^= scramble(text.charCodeAt(length - 1));
  return avalanche(hash ^ (length * 2));
}

/** The last step of MurmurHash3: each bit of the input flips about half of the result's bits. Unsigned. */
export function avalanche(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
