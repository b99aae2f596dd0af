import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * A message as it stands on the wire, read by the numbers of its fields, one level at a time. Descriptors are read so
 * because the generated ones don't tell what is unset from what is zero, and the whole of protobuf's runtime would slow
 * every start.
 */
export class WireMessage {
  readonly #fields: number[] = [];
  readonly #values: (number | Uint8Array)[] = [];

  /** @throws Error where the bytes are no message. */
  constructor(bytes: Uint8Array) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (wireType === WireType.Varint) this.#add(field, reader.int32());
      else if (wireType === WireType.LengthDelimited) this.#add(field, reader.bytes());
      else reader.skip(wireType, field);
    }
  }

  /** The last value of a number, an enum or a bool; undefined where there is none. */
  number(field: number): number | undefined {
    const value = this.#values[this.#fields.lastIndexOf(field)];
    return typeof value === 'number' ? value : undefined;
  }

  text(field: number): string | undefined {
    const value = this.#values[this.#fields.lastIndexOf(field)];
    return value instanceof Uint8Array ? toText(value) : undefined;
  }

  /** A message; where it stands there several times, all of them together, as protobuf merges them. */
  message(field: number): WireMessage | undefined {
    const parts = this.parts(field);
    return parts.length === 0 ? undefined : new WireMessage(Buffer.concat(parts));
  }

  /** The entries of a repeated message, in their order. */
  messages(field: number): readonly WireMessage[] {
    return this.parts(field).map((part) => new WireMessage(part));
  }

  /** The same, unread. */
  parts(field: number): readonly Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (const [index, value] of this.#values.entries()) {
      if (this.#fields[index] === field && typeof value !== 'number') parts.push(value);
    }
    return parts;
  }

  #add(field: number, value: number | Uint8Array): void {
    this.#fields.push(field);
    this.#values.push(value);
  }
}

/** The first text of a message at `field`, empty where there is none; what stands behind it isn't read. */
export function firstText(bytes: Uint8Array, field: number): string {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [present, wireType] = reader.tag();
    if (present === field && wireType === WireType.LengthDelimited) return toText(reader.bytes());
    reader.skip(wireType, present);
  }
  return '';
}

function toText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
