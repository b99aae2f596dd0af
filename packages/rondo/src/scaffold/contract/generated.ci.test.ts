import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { withGenerated } from '../../../test/scaffold/generated.js';
import { randomMessage, seeded } from '../../../test/scaffold/messages.js';
import { newFile } from '../../../test/scaffold/staged.js';

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
const values = `syntax = "proto3"; package values;
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

/** Each has a field with presence, one without, a message in the delimited encoding, and a list. */
const contracts = [
  newFile(
    'syntax2.proto',
    `syntax = "proto2"; package syntax2;
message M {
  optional int32 explicit = 1 [default = 7];
  required bool required = 2;
  optional group Ended = 3 { optional double nan = 1 [default = nan]; }
  repeated int32 unpacked = 4;
  oneof o { string a = 5; }
}`,
  ),
  newFile(
    'edition.proto',
    `edition = "2023"; package edition;
message M {
  int32 explicit = 1;
  bool implicit = 2 [features.field_presence = IMPLICIT];
  Ended ended = 3 [features.message_encoding = DELIMITED];
  repeated int32 unpacked = 4 [features.repeated_field_encoding = EXPANDED];
  oneof o { string a = 5; }
  repeated Ended items = 6 [features.message_encoding = DELIMITED];
}
message Ended { double nan = 1; }`,
  ),
];

/** The first declares none of the names that generated code imports; the second declares them. Each compiles in the same tree as the other. */
const namesakes = [
  newFile(
    'plain.proto',
    'syntax = "proto3"; package plain; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }',
  ),
  newFile(
    'namesakes.proto',
    `syntax = "proto3"; package namesakes;
import "google/protobuf/timestamp.proto";
message Timestamp { google.protobuf.Timestamp t = 1; Timestamp own = 2; }
message BinaryReader { bytes b = 1; }
message BinaryWriter { map<string, BinaryReader> readers = 1; }
message Symbol { repeated Json values = 1; }
message Json { map<int64, Symbol> symbols = 1; }`,
  ),
];

/** Names that generated code has for itself, takes from JavaScript, or can't declare. */
const RESERVED_NAMES = [
  ...['Builtin', 'DeepPartial', 'DeepPartialEmpty', 'DeepPartialJson', 'DeepPartialObject', 'Exact', 'MessageFns'],
  ...['asBuffer', 'setEntry', 'protobufPackage', 'Array', 'BigInt', 'Buffer', 'Date', 'Error', 'Extract', 'Function'],
  ...['Map', 'Number', 'Object', 'Promise', 'Proxy', 'String', 'Symbol', 'Uint8Array', 'globalThis', 'undefined'],
  ...['NanoDate', 'class', 'default', 'package', 'string', 'this'],
];
const reserved = newFile(
  'reserved.proto',
  `syntax = "proto3"; package reserved;
import "google/protobuf/timestamp.proto"; import "google/protobuf/struct.proto";
${RESERVED_NAMES.map((name) => `message ${name} { bytes data = 1; message Inner { int64 a = 1; } Inner inner = 2; }`).join('\n')}
message BufferMessage { Buffer a = 1; }
enum enum { ZERO = 0; ONE = 1; }
message All {
  ${RESERVED_NAMES.map((name, index) => `${name} f${index} = ${index + 1};`).join(' ')}
  map<int64, Buffer> by_id = 101; repeated Map.Inner inner = 102; google.protobuf.Timestamp at = 103;
  google.protobuf.Struct struct = 104; enum number = 105; oneof o { Buffer one = 106; bytes two = 107; }
}
service BigInt2 { rpc Swap(Buffer) returns (BufferMessage); }`,
);
const importing = newFile(
  'importing.proto',
  `syntax = "proto3"; package importing; import "reserved.proto";
message M { reserved.Buffer buffer = 1; map<string, reserved.globalThis.Inner> inner = 2; bytes data = 3; reserved.enum number = 4; }
message DeepPartialMessage { DeepPartialMessage a = 1; }`,
);

/** It uses what generated checks use, by the same names. */
const ruled = newFile(
  'ruled.proto',
  `syntax = "proto3"; package ruled;
import "buf/validate/validate.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
message Timestamp {
  google.protobuf.Timestamp t = 1 [(buf.validate.field).timestamp.gt.seconds = 5];
  google.protobuf.FieldMask mask = 2 [(buf.validate.field).field_mask.const.paths = "a"];
}
message Set { int64 a = 1 [(buf.validate.field).int64 = {in: [1, 2]}]; Number b = 2; }
message Number { double a = 1 [(buf.validate.field).double = {gt: 1 finite: true}]; }
message JSON { map<int32, Set> sets = 1 [(buf.validate.field).map.keys.int32.gt = 1]; string class = 2 [(buf.validate.field).string.uri = true]; }
message Map { message Inner { string a_b = 1 [(buf.validate.field).cel = {id: "x" expression: "this != ''"}]; } repeated Inner inner = 1; }`,
);

/** A generated stub. */
interface Stub<T = Record<string, unknown>> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(message: object): T;
}

let type: DescMessage;
/** The generated code of a file. */
let code: (name: string) => string;
let all: Stub;
let withGroup: Stub;
let imports: Stub & { $type: string };
let withReserved: { stub: Stub & { $type: string }; type: DescMessage };
let struct: Stub<{ fields: object }>;
let time: {
  NanoDate: new (time: number | Date, nanos: number) => Date & { nanos: number };
  toTimestamp(date: Date): { seconds: bigint; nanos: number };
  fromTimestamp(timestamp: { seconds: bigint; nanos: number }): Date;
};

function find(registry: FileRegistry, name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`the contract has no message ${name}`);
  return found;
}

/** The bytes of a message after a handler that returns its request. */
const passed = (bytes: Uint8Array) => all.encode(all.fromPartial(all.decode(bytes))).finish();

beforeAll(async () => {
  const files = [newFile('values.proto', values), ...contracts, ...namesakes, ruled, reserved, importing];
  await withGenerated(files, async (folder) => {
    const image = readFileSync(path.join(folder, 'image.binpb'));
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
    type = find(registry, 'values.All');
    const sources = path.join(folder, 'packages/contracts/src');
    const read = ['syntax2.ts', 'edition.ts', 'ruled.ts', 'ruled.descriptors.ts', 'reserved.ts', 'importing.ts'].map(
      (name) => [name, readFileSync(path.join(sources, name), 'utf8')] as const,
    );
    code = (name) => new Map(read).get(name) ?? '';
    const load = (module: string) => import(path.join(folder, 'packages/contracts/dist', module));
    ({ All: all } = await load('values.js'));
    ({ M: withGroup } = await load('edition.js'));
    ({ M: imports } = await load('importing.js'));
    withReserved = { stub: (await load('reserved.js')).All, type: find(registry, 'reserved.All') };
    ({ Struct: struct } = await load('google/protobuf/struct.js'));
    time = await load('google/protobuf/timestamp.js');
  });
});

/** Of a message of many kilobytes, which jest compares byte by byte otherwise. */
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('generated code', () => {
  it('keeps the presence and encoding of proto2 and editions', () => {
    for (const text of [code('syntax2.ts'), code('edition.ts')]) {
      expect(text).toContain('explicit?: number | undefined;');
      expect(text).toContain('if (message.explicit !== undefined) {');
      expect(text).toContain('ended, writer.uint32(27)).uint32(28)'); // start and end of group 3
      expect(text).toContain('writer.uint32(32).int32(v!)'); // an entry of field 4 on its own
      expect(text).toContain('o: { $case: "a"; value: string } | undefined;');
    }
    expect(code('syntax2.ts')).toContain('required?: boolean | undefined;');
    expect(code('edition.ts')).toContain('implicit: boolean;');
  });

  it('checks the rules of buf.validate in a contract from elsewhere', () => {
    expect(code('ruled.ts')).toContain('Map_Inner.checked = $v.checkingByCel(');
    expect(code('ruled.descriptors.ts')).toContain('export const files = [');
  });
});

describe('messages with names of JavaScript and of generated code', () => {
  it('are the same after a handler has passed them on', () => {
    const random = seeded(50);
    const { stub, type } = withReserved;
    for (let round = 0; round < 20; round++) {
      const bytes = toBinary(type, randomMessage(type, random));
      const again = stub.encode(stub.fromPartial(stub.decode(bytes))).finish();
      expect(hex(toBinary(type, fromBinary(type, again)))).toBe(hex(bytes));
    }
  });

  it('keep their names in the contract, and in generated code if it has no other use for them', () => {
    expect([imports.$type, withReserved.stub.$type]).toEqual(['importing.M', 'reserved.All']);
    expect(code('importing.ts')).toContain('import { BufferMessageMessage, ');
    const types = [...code('reserved.ts').matchAll(/^export const (\w+): MessageFns<\1, "reserved\.([\w.]+)"> =/gm)];
    const named = types.map(([, name, inContract]) => [inContract, name]);
    expect(named).toContainEqual(['Buffer', 'BufferMessageMessage']);
    expect(named).toContainEqual(['BufferMessage', 'BufferMessage']);
    expect(named).toContainEqual(['Buffer.Inner', 'BufferMessageMessage_Inner']);
    expect(named).toContainEqual(['Map', 'Map']);
  });
});

describe('a message that a handler passes on', () => {
  it('is the same, with every kind of field at its extremes, by the bytes of another implementation', () => {
    const random = seeded(26);
    for (let round = 0; round < 40; round++) {
      const bytes = toBinary(type, randomMessage(type, random));
      expect(hex(toBinary(type, fromBinary(type, passed(bytes))))).toBe(hex(bytes));
    }
  });

  it('is the sum of its parts, as another implementation merges them', () => {
    const random = seeded(51);
    for (let round = 0; round < 20; round++) {
      const parts = [randomMessage(type, random), randomMessage(type, random)].map((part) => toBinary(type, part));
      const bytes = Buffer.concat(parts);
      expect(hex(toBinary(type, fromBinary(type, passed(bytes))))).toBe(hex(toBinary(type, fromBinary(type, bytes))));
    }
  });

  it('has the default of its type for an entry of a map without a value', () => {
    const maps = type.fields.filter(({ fieldKind }) => fieldKind === 'map');
    const entries = maps.map(({ number }) => [
      ...new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(Buffer.of()).finish(),
    ]);
    const ofValue = maps.filter(({ message }) => message?.typeName === 'google.protobuf.Value');
    const [own, others] = [passed(Buffer.from(entries.flat())), Buffer.from(entries.flat())].map((bytes) =>
      reflect(type, fromBinary(type, bytes)),
    );
    if (own === undefined || others === undefined) throw new Error('there are two');
    for (const field of ofValue) {
      // It has no kind, which JSON lacks.
      expect(toJson(type, own.message)).toMatchObject({ [field.jsonName]: { '': null } });
      own.clear(field);
      others.clear(field);
    }
    expect(ofValue).toHaveLength(1);
    expect(hex(toBinary(type, own.message))).toBe(hex(toBinary(type, others.message)));
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

  it('keeps lists of groups, one of which is empty', () => {
    const bytes = Buffer.of(0x33, 0x09, ...Buffer.alloc(8, 1), 0x34, 0x33, 0x34);
    expect(withGroup.decode(bytes)).toMatchObject({ items: [{ nan: expect.any(Number) }, {}] });
    expect(hex(withGroup.encode(withGroup.decode(bytes)).finish())).toBe(hex(bytes));
  });

  it('takes any Uint8Array for bytes, and has Buffers there', () => {
    const name = `f${SCALARS.indexOf('bytes') + 1}`;
    const message = all.fromPartial({ [name]: new Uint8Array([9, 1, 2, 9]).subarray(1, 3) });
    expect(message[name]).toEqual(Buffer.of(1, 2));
    expect(Buffer.isBuffer(message[name])).toBe(true);
  });
});

describe('what is no message', () => {
  const self = () =>
    type.fields.find(({ fieldKind, message }) => fieldKind === 'message' && message === type)?.number ?? 0;
  const around = (bytes: Uint8Array) => new BinaryWriter().tag(self(), WireType.LengthDelimited).bytes(bytes).finish();
  const nested = (depth: number) => {
    let bytes = new Uint8Array();
    for (let level = 0; level < depth; level++) bytes = around(bytes);
    return bytes;
  };

  it.each([
    ['a field of the number 0', [0x00, 0x00]],
    ['a field of the number 0 with bytes', [0x02, 0x00]],
    ['the end of a group', [0x0c]],
    ['the end of another group', [0xfb, 0xff, 0x03, 0xf4, 0xff, 0x03]],
    ['a group without end', [0xfb, 0xff, 0x03]],
    ['a field that is longer than its message', [0x0d, 0x01]],
  ])('is refused: %s', (_, bytes) => {
    expect(() => all.decode(Buffer.from(bytes))).toThrow();
    // The bytes behind it would make it whole.
    const within = Buffer.concat([around(Buffer.from(bytes)), around(Buffer.alloc(4))]);
    expect(() => all.decode(within)).toThrow();
  });

  it.each([
    ['that another end closes', [0x1b, 0x24]],
    ['that nothing closes', [0x1b]],
    ['that has the number 0 in it', [0x1b, 0x00, 0x00, 0x1c]],
  ])('is refused as a group %s', (_, bytes) => {
    expect(withGroup.decode(Buffer.of(0x1b, 0x1c, 0x1b, 0x09, ...Buffer.alloc(8, 1), 0x1c))).toMatchObject({
      ended: { nan: expect.any(Number) },
    });
    expect(() => withGroup.decode(Buffer.from(bytes))).toThrow();
  });

  it('is one of more than 100 levels', () => {
    expect(Buffer.from(passed(nested(100)))).toEqual(Buffer.from(nested(100)));
    expect(() => all.decode(nested(101))).toThrow('it is nested more than 100 levels deep');
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

  it('is refused beyond what a Date can be', () => {
    const furthest = { seconds: 8_640_000_000_000n, nanos: 0 };
    expect(time.toTimestamp(time.fromTimestamp(furthest))).toEqual(furthest);
    for (const seconds of [8_640_000_000_001n, -8_640_000_000_001n]) {
      expect(() => time.fromTimestamp({ seconds, nanos: 0 })).toThrow(`a Timestamp has ${seconds} seconds; it must be`);
    }
  });
});
