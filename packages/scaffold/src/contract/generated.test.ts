import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../test/folder.js';
import { newFile } from '../../test/staged.js';
import { checkGeneratedCode, compile } from './compile.js';
import { withStage } from './stage.js';

const { signal } = new AbortController();

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
}
message Ended { double nan = 1; }`,
  ),
];

/** The first declares none of the names that generated code imports; the second declares them. */
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

describe('generated code', () => {
  it('keeps the presence and encoding of proto2 and editions', async () => {
    const [asked = newFile('none.proto', '')] = contracts;
    const [syntax2, edition] = await withStage({ root, files: contracts, signal }, async (stage) => {
      const staged = { stage, asked, files: contracts, shown: (file: string) => file };
      await checkGeneratedCode(await compile(staged), staged);
      const code = (name: string) => readFileSync(path.join(stage.folder, 'packages/contracts/src', name), 'utf8');
      return [code('syntax2.ts'), code('edition.ts')] as const;
    });
    for (const code of [syntax2, edition]) {
      expect(code).toContain('explicit?: number | undefined;');
      expect(code).toContain('if (message.explicit !== undefined) {');
      expect(code).toContain('ended, writer.uint32(27)).uint32(28)'); // start and end of group 3
      expect(code).toContain('writer.uint32(32).int32(v!)'); // an entry of field 4 on its own
      expect(code).toContain('o: { $case: "a"; value: string } | undefined;');
    }
    expect(syntax2).toContain('required?: boolean | undefined;');
    expect(edition).toContain('implicit: boolean;');
  });

  it('checks the rules of buf.validate in a contract from elsewhere', async () => {
    const [code, descriptors] = await withStage({ root, files: [ruled], signal }, async (stage) => {
      const staged = { stage, asked: ruled, files: [ruled], shown: (file: string) => file };
      await checkGeneratedCode(await compile(staged), staged);
      const read = (name: string) => readFileSync(path.join(stage.folder, 'packages/contracts/src', name), 'utf8');
      return [read('ruled.ts'), read('ruled.descriptors.ts')] as const;
    });
    expect(code).toContain('Map_Inner.checked = $v.checkingByCel(');
    expect(descriptors).toContain('export const files = [');
  });

  it("doesn't depend on the other files of the run", async () => {
    const [asked = newFile('none.proto', '')] = namesakes;
    await withStage({ root, files: namesakes, signal }, async (stage) => {
      const staged = { stage, asked, files: namesakes, shown: (file: string) => file };
      await checkGeneratedCode(await compile(staged), staged);
    });
  });
});
