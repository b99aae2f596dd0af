/** What is wrong with contracts beyond what the compiler sees: contradictions in what they say to Rondo. */
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { checkHttp } from './check-http.js';
import { checkPolicies } from './check-policies.js';
import { checkRules } from './check-rules.js';
import { checkTools } from './check-tools.js';
import { checkTopics } from './check-topics.js';
import { filesNamed } from './declarations.js';
import { checkOperations } from './operations.js';

/**
 * The faults of some files, each with file, line, reason and remedy.
 *
 * @param protoFiles All files, each after its imports.
 * @param folder The folder of the contracts.
 */
export function faultsOf(
  protoFiles: FileDescriptorProto[],
  names: readonly string[],
  folder = 'proto',
): readonly string[] {
  const contracts = filesNamed(protoFiles, names);
  return [
    ...[checkPolicies, checkOperations, checkTopics, checkTools].flatMap((check) => check(contracts)),
    ...checkHttp(contracts, folder),
    ...checkRules(contracts),
  ];
}
