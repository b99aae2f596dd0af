import { readFileSync } from 'node:fs';
import { clone, createFileRegistry, type DescFile, fromBinary, getOption, toJson } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  file_buf_validate_validate as compiled,
  PredefinedRulesSchema,
  predefined,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { describe, expect, it } from '@jest/globals';

const descriptors = new URL('../descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const printed = registry.getFile('buf/validate/validate.proto');

describe('the printed contract of buf.validate compiles to what it was printed from', () => {
  it('in its declarations', () => {
    expect(printed && declared(printed)).toEqual(declared(compiled));
  });

  it('in the options that say what each rule means', () => {
    const wanted = meanings(compiled);
    expect(wanted.length).toBeGreaterThan(100);
    expect(printed && meanings(printed)).toEqual(wanted);
  });
});

/** Compilers fill in the names in JSON, and name the oldest syntax or don't. */
function declared({ proto }: DescFile): unknown {
  const file = clone(FileDescriptorProtoSchema, proto);
  file.syntax = '';
  Reflect.deleteProperty(file, 'sourceCodeInfo');
  const text = JSON.stringify(toJson(FileDescriptorProtoSchema, file));
  return JSON.parse(text, (key, value) => (key === 'jsonName' ? undefined : value));
}

function meanings({ messages }: DescFile): readonly unknown[] {
  return messages
    .flatMap(({ fields }) => fields)
    .map((field) => [String(field), toJson(PredefinedRulesSchema, getOption(field, predefined))]);
}
