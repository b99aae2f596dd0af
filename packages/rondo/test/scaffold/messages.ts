import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';

/** A generator of numbers from 0 to 1 by its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const DOUBLES = [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const INT32 = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
const UINT32 = [0, 1, 2 ** 32 - 1];
const INT64 = [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const UINT64 = [0n, 1n, 2n ** 64n - 1n];

/** The extreme values of each scalar type. */
const EXTREMES: Readonly<Record<ScalarType, readonly unknown[]>> = {
  [ScalarType.DOUBLE]: [...DOUBLES, Number.MAX_VALUE, Number.MIN_VALUE],
  [ScalarType.FLOAT]: [...DOUBLES, (2 - 2 ** -23) * 2 ** 127, 2 ** -149],
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.INT64]: INT64,
  [ScalarType.SINT64]: INT64,
  [ScalarType.SFIXED64]: INT64,
  [ScalarType.UINT64]: UINT64,
  [ScalarType.FIXED64]: UINT64,
  [ScalarType.BOOL]: [true, false],
  [ScalarType.STRING]: ['', 'plain', '\u0000 \u{1f600} ß', 'constructor', '0'],
  [ScalarType.BYTES]: [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(255, 0, 128)],
};

/** Seconds and nanoseconds from the year 1 to the year 9999. */
const TIMES = [0n, -1n, 1n, -62_135_596_800n, 253_402_300_799n, 1_795_352_400n];
const NANOS = [0, 1, 999_999_999, 123_456_789, 500_000_000, 999_000_000];

/** Far from the depth that decoders refuse. */
const MAX_DEPTH = 3;

/** A message of `type` with random fields set, to values that are often extreme. */
export function randomMessage(type: DescMessage, random: () => number): Message {
  return fill(type, { depth: 0, pick: (items) => items[Math.floor(random() * items.length)], random });
}

interface Choice {
  readonly depth: number;
  readonly pick: <T>(items: readonly T[]) => T | undefined;
  readonly random: () => number;
}

function fill(type: DescMessage, choice: Choice): Message {
  const { pick, random, depth } = choice;
  const message = reflect(type, create(type));
  if (type.typeName === 'google.protobuf.Timestamp') {
    for (const field of type.fields) message.set(field, field.name === 'nanos' ? pick(NANOS) : pick(TIMES));
    return message.message;
  }
  // A Value without a kind isn't valid, and a required field must be set.
  const isNeeded = (field: DescField) => field.presence === 3;
  const members = [...type.members].flatMap((member) => {
    if (member.kind === 'field') return isNeeded(member) || random() < 0.6 ? [member] : [];
    return type.typeName === 'google.protobuf.Value' || random() < 0.8 ? [pick(member.fields.filter(isFlat))] : [];
  });
  for (const field of members) {
    if (field === undefined || (depth >= MAX_DEPTH && !isFlat(field) && !isNeeded(field))) continue;
    setField(message, field, { ...choice, depth: depth + 1 });
  }
  return message.message;

  function isFlat(field: DescField): boolean {
    return (
      depth < MAX_DEPTH || (field.fieldKind !== 'message' && field.fieldKind !== 'map' && field.fieldKind !== 'list')
    );
  }
}

function setField(message: ReflectMessage, field: DescField, choice: Choice): void {
  const count = Math.floor(choice.random() * 4);
  if (field.fieldKind === 'list') {
    const list = message.get(field);
    for (let index = 0; index < count; index++) list.add(elementOf(field, choice));
  } else if (field.fieldKind === 'map') {
    const map = message.get(field);
    for (let index = 0; index < count; index++) map.set(choice.pick(EXTREMES[field.mapKey]), elementOf(field, choice));
  } else message.set(field, elementOf(field, choice));
}

/** A value of a field, or of an element of it. */
function elementOf(field: DescField, choice: Choice): unknown {
  const { message, enum: values, scalar } = field;
  if (message !== undefined) return reflect(message, fill(message, choice));
  if (values === undefined) return choice.pick(EXTREMES[scalar ?? ScalarType.INT32]);
  const known = values.values.map(({ number }) => number);
  return choice.pick(values.open && values.typeName !== 'google.protobuf.NullValue' ? [...known, 12_345, -1] : known);
}
