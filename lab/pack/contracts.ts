/** What @rondo/contracts is published with: the stubs, descriptors and sources of all contracts but a user's own. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { filesBelow, native, root, run } from '@rondo/tool/workspace';
import { transformSync } from 'esbuild';

/** Those of Rondo's own tests, but for the one that examples have. */
const OF_TESTS = /^rondo\/conformance\/(?!v1\/adder\.proto$)/;

/** Whether a contract is Rondo's own or of third parties: the others in proto/ are those of services. */
const isPublished = (proto: string) =>
  !OF_TESTS.test(proto) && (proto.startsWith('rondo/') || !existsSync(path.join(root, 'proto', proto)));

/** Whether the contract is published of a compiled stub, or of the descriptors that it imports, by its path from dist/. */
export const isPublishedStub = (file: string): boolean =>
  isPublished(file.replace(/(?:\.descriptors)?(?:\.d\.ts|\.js)$/, '.proto'));

/** A stub without comments and indents, which are half of it: its declarations have the comments. */
export const compact = (code: string): string => transformSync(code, { minify: true, legalComments: 'none' }).code;

/**
 * Writes descriptors.binpb, and proto/ with the sources by their import paths: a module for the buf.yaml of an app.
 *
 * @param to A folder below the root.
 * @throws Error with buf's complaint.
 */
export async function writeContracts(to: string): Promise<void> {
  const set = fromBinary(
    FileDescriptorSetSchema,
    readFileSync(path.join(root, 'packages/contracts/descriptors.binpb')),
  );
  set.file = set.file.filter(({ name }) => isPublished(name));
  writeFileSync(path.join(to, 'descriptors.binpb'), toBinary(FileDescriptorSetSchema, set));
  // A relative path: buf reads a "#" in a path as the start of options.
  const sources = path.join(path.relative(root, to), 'proto');
  const { code, output } = await run(native('buf'), ['export', '.', '--output', sources]);
  if (code !== 0) throw new Error(output);
  for (const file of filesBelow(path.join(root, sources))) {
    if (file.endsWith('.proto') && !isPublished(file)) rmSync(path.join(root, sources, file));
  }
}
