import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { MAX_VIOLATIONS, type Violation } from './violations.js';

/**
 * Returns the function that validates the encoded messages of a type by protovalidate.
 *
 * @param files as in `Descriptors`.
 */
export function validatorOf(typeName: string, files: readonly string[]): (bytes: Uint8Array) => readonly Violation[] {
  const registry = createFileRegistry({
    $typeName: FileDescriptorSetSchema.typeName,
    file: files.map((file) => fromBinary(FileDescriptorProtoSchema, Buffer.from(file, 'base64'))),
  });
  const schema = registry.getMessage(typeName);
  if (schema === undefined) throw new TypeError(`the descriptors of ${typeName} lack it; generate it again`);
  const validator = createValidator({ registry });
  return (bytes) => violationsOf(schema, validator, bytes);
}

type Validator = ReturnType<typeof createValidator>;

function violationsOf(schema: DescMessage, validator: Validator, bytes: Uint8Array): readonly Violation[] {
  const result = validator.validate(schema, fromBinary(schema, bytes));
  if (result.kind === 'error') throw result.error;
  const found = result.kind === 'valid' ? [] : result.violations;
  return found.slice(0, MAX_VIOLATIONS).map(({ field, ruleId, message }) => ({
    field: pathToString(field),
    rule: ruleId,
    text: message === '' ? 'is refused by this rule of the contract' : message,
  }));
}
