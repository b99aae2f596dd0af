import path from 'node:path';
import { type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { root } from '../../test/folder.js';
import { randomMessage, seeded } from '../../test/messages.js';
import { newFile } from '../../test/staged.js';
import { checkGeneratedCode, compile } from './compile.js';
import { withStage } from './stage.js';

/** Fields of every scalar type, alone, with presence, in a list, in a oneof, and as the value of a map. */
const SCALARS = [
  ...['double', 'float', 'bool', 'string', 'bytes', 'int32', 'sint32', 'sfixed32', 'uint32', 'fixed32'],
  ...['int64', 'sint64', 'sfixed64', 'uint64', 'fixed64'],
];
const WELL_KNOWN = [
  ...[
    'Timestamp',
    'Duration',
    'Any',
    'FieldMask',
    'Empty',
    'Struct',
    'Value',
    'ListValue',
    'DoubleValue',
    'FloatValue',
  ],
  ...['Int64Value', 'UInt64Value', 'Int32Value', 'UInt32Value', 'BoolValue', 'StringValue', 'BytesValue'],
].map((name) => `google.protobuf.${name}`);
const KEYS = ['bool', 'string', 'int32', 'uint32', 'int64', 'uint64', 'sint64', 'fixed64'];

let number = 0;
const fields = (label: string, types: readonly string[]) =>
  types.map((type) => `${label} ${type} f${++number} = ${number};`).join('\n');
const contract = `syntax = "proto3"; package values;
import "google/protobuf/any.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message WithANameThatIsSoLongThatTheFormatterOfGeneratedCodeBreaksTheLinesInWhichItAppearsAndIndentsOthers {
  bytes data = 1; map<string, bytes> blobs = 2; repeated google.protobuf.Value values = 3; double zero = 4;
  oneof choice { google.protobuf.Value value = 5; bytes other = 6; }
  map<string, WithANameThatIsSoLongThatTheFormatterOfGeneratedCodeBreaksTheLinesInWhichItAppearsAndIndentsOthers> more = 7;
}
enum Open { OPEN_UNSPECIFIED = 0; OPEN_ONE = 1; }
message All {
  ${fields('', [...SCALARS, ...WELL_KNOWN, 'Open', 'All'])}
  ${fields('optional', [...SCALARS, ...WELL_KNOWN, 'Open'])}
  ${fields('repeated', [...SCALARS, ...WELL_KNOWN, 'Open', 'All'])}
  ${[...SCALARS, ...WELL_KNOWN, 'Open'].map((type) => fields(`map<string, ${type}>`, [''])).join('\n')}
  WithANameThatIsSoLongThatTheFormatterOfGeneratedCodeBreaksTheLinesInWhichItAppearsAndIndentsOthers long = 1000;
  ${KEYS.map((key) => fields(`map<${key}, bytes>`, [''])).join('\n')}
  oneof choice { ${fields('', [...SCALARS, ...WELL_KNOWN.filter((name) => !name.endsWith('FieldMask')), 'Open', 'All'])} }
}
`;

/** A generated stub. */
interface Stub<T = Record<string, unknown>> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(message: object): T;
}

let type: DescMessage;
let all: Stub;
let struct: Stub<{ fields: object }>;
let time: {
  NanoDate: new (time: number | Date, nanos: number) => Date & { nanos: number };
  toTimestamp(date: Date): { seconds: bigint; nanos: number };
  fromTimestamp(timestamp: { seconds: bigint; nanos: number }): Date;
};

/** The bytes of a message after a handler that returns its request. */
const passed = (bytes: Uint8Array) => all.encode(all.fromPartial(all.decode(bytes))).finish();

beforeAll(async () => {
  const files = [newFile('values.proto', contract)];
  const [asked = newFile('none.proto', '')] = files;
  await withStage({ root, files, signal: new AbortController().signal }, async (stage) => {
    const staged = { stage, asked, files, shown: (file: string) => file };
    const registry = await compile(staged);
    await checkGeneratedCode(registry, staged);
    const { output } = await stage.run('tsc', '-p', 'packages/contracts');
    expect(output).toBe('');
    const found = registry.getMessage('values.All');
    if (found === undefined) throw new Error('the contract has no such message');
    type = found;
    const load = (module: string) => import(path.join(stage.folder, 'packages/contracts/dist', module));
    ({ All: all } = await load('values.js'));
    ({ Struct: struct } = await load('google/protobuf/struct.js'));
    time = await load('google/protobuf/timestamp.js');
  });
});

describe('a message that a handler passes on', () => {
  it('is the same, with every kind of field at its extremes, by the bytes of another implementation', () => {
    const random = seeded(26);
    for (let round = 0; round < 150; round++) {
      const bytes = toBinary(type, randomMessage(type, random));
      expect(Buffer.from(toBinary(type, fromBinary(type, passed(bytes))))).toEqual(Buffer.from(bytes));
    }
  });

  it('keeps the key __proto__ of a map and of a Struct', () => {
    const inMap = type.fields.find(({ fieldKind, message }) => fieldKind === 'map' && message?.name === 'Struct');
    const value = new BinaryWriter().tag(1, WireType.LengthDelimited).string('__proto__');
    const fieldsEntry = value.tag(2, WireType.LengthDelimited).fork().tag(2, WireType.Bit64).double(-0).join().finish();
    const inner = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(fieldsEntry).finish();
    const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string('__proto__');
    const bytes = new BinaryWriter()
      .tag(inMap?.number ?? 0, WireType.LengthDelimited)
      .bytes(entry.tag(2, WireType.LengthDelimited).bytes(inner).finish())
      .finish();
    expect(Buffer.from(passed(bytes))).toEqual(Buffer.from(bytes));
    expect(Object.keys(struct.decode(inner).fields)).toEqual(['__proto__']);
  });

  it('takes any Uint8Array for bytes, and has Buffers there', () => {
    const name = `f${SCALARS.indexOf('bytes') + 1}`;
    const message = all.fromPartial({ [name]: new Uint8Array([9, 1, 2, 9]).subarray(1, 3) });
    expect(message[name]).toEqual(Buffer.of(1, 2));
    expect(Buffer.isBuffer(message[name])).toBe(true);
  });
});

describe('the Date of a Timestamp', () => {
  it.each([
    ['0001-01-01T00:00:00.000Z', -62_135_596_800n, 0],
    ['1969-12-31T23:59:59.999999999Z', -1n, 999_999_999],
    ['1969-12-31T23:59:58.500Z', -2n, 500_000_000],
    ['2026-11-22T13:00:00.123456789Z', 1_795_352_400n, 123_456_789],
    ['2026-11-22T13:00:56.999999999Z', 1_795_352_456n, 999_999_999],
    ['9999-12-31T23:59:59.999999999Z', 253_402_300_799n, 999_999_999],
  ])('%s keeps its nanoseconds', (text, seconds, nanos) => {
    const date = time.fromTimestamp({ seconds, nanos });
    expect([JSON.stringify({ date }), time.toTimestamp(date)]).toEqual([
      JSON.stringify({ date: text }),
      { seconds, nanos },
    ]);
  });

  it('is a plain one for whole milliseconds, and a NanoDate can be made', () => {
    expect(time.fromTimestamp({ seconds: 1n, nanos: 2_000_000 }).constructor).toBe(Date);
    const at = new time.NanoDate(new Date(-1), 5);
    expect(time.toTimestamp(at)).toEqual({ seconds: -1n, nanos: 999_000_005 });
    expect(() => new time.NanoDate(0, 1_000_000)).toThrow(
      'nanos is 1000000; it must be a whole number from 0 to 999,999',
    );
    at.setTime(7);
    expect([at.nanos, time.toTimestamp(at)]).toEqual([0, { seconds: 0n, nanos: 7_000_000 }]);
  });
});
