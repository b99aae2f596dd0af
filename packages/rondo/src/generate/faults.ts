/** What is wrong with contracts beyond what the compiler sees: contradictions in what they say to Rondo. */
import { clearField, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { checkHttp } from './check-http.js';
import { checkPolicies } from './check-policies.js';
import { checkRules } from './check-rules.js';
import { checkTools } from './check-tools.js';
import { checkTopics } from './check-topics.js';
import type { Contracts } from './declarations.js';
import { checkOperations } from './operations.js';

/** The faults of some files, each with file, line, reason and remedy. The registry has all contracts. */
export const faultsOf = (contracts: Contracts): readonly string[] =>
  [checkPolicies, checkOperations, checkTopics, checkTools, checkHttp, checkRules].flatMap((check) => check(contracts));

/**
 * Checks contracts in a `google.protobuf.FileDescriptorSet`.
 *
 * @param checked The names of their files.
 * @param own The names of all files that keep their comments.
 * @returns the faults; and the set without other comments, and without positions in the source that have no comment.
 */
export function checkSet(bytes: Uint8Array, checked: readonly string[], own: ReadonlySet<string>) {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const registry = createFileRegistry(set);
  const faults = faultsOf({ registry, files: checked.flatMap((name) => registry.getFile(name) ?? []) });
  for (const file of set.file) {
    const location = file.sourceCodeInfo?.location ?? [];
    if (!own.has(file.name)) clearField(file, FileDescriptorProtoSchema.field.sourceCodeInfo);
    else if (file.sourceCodeInfo !== undefined)
      file.sourceCodeInfo.location = location.filter((one) => `${one.leadingComments}${one.trailingComments}` !== '');
  }
  return { faults, set: toBinary(FileDescriptorSetSchema, set) };
}
