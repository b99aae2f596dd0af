import { createValidator } from '@bufbuild/protovalidate';
import { expect, it } from '@jest/globals';
import { compiled, newFile } from '../../../test/scaffold/staged.js';
import { sampleOf } from './samples.js';

const CONTRACT = `syntax = "proto3"; package p; import "google/protobuf/timestamp.proto"; enum Kind { NONE = 0; SOME = 1; }
message All { string text = 1; int64 count = 2; bytes data = 4; Kind kind = 5; repeated google.protobuf.Timestamp times = 6; }`;

it('a sample has a value for each kind of field, as code and as JSON', async () => {
  const registry = await compiled(newFile('all.proto', CONTRACT));
  const [all] = registry.getFile('all.proto')?.messages ?? [];
  const needs = { validator: createValidator({ registry }), isNeeded: () => true, references: new Map() };
  const values = all && sampleOf(all, needs)?.map(([, code, json]) => `${code} is ${JSON.stringify(json)}`);
  expect(values?.join()).toBe(
    `'Ada' is "Ada",1n is "1",new Uint8Array([1]) is "AQ==",1 is "SOME",[new Date(0)] is ["1970-01-01T00:00:00Z"]`,
  );
});
