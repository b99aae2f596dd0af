import type { MethodDefinition } from './definition.js';

/** The last of the custom options with `tag` that stands on a method: its bytes; undefined where there is none. */
export function optionBytes({ options }: MethodDefinition, tag: number): Uint8Array | undefined {
  const encoded = options._unknownFields?.[tag]?.at(-1);
  return encoded && withoutLength(encoded);
}

/** Drops the varint length that the generator leaves before an option's bytes. */
function withoutLength(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.findIndex((byte) => byte < 0x80) + 1);
}
