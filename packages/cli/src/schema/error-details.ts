import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { RpcError } from '@rondo/rpc/status';
import type { Reflection } from './reflection.js';

const STATUS_FILE = 'google/rpc/status.proto';
/** One of those that stand in `google/rpc/error_details.proto`. */
const DETAIL = 'google.rpc.BadRequest';

/**
 * The files of a contract with those of the usual error details, where its messages hold a `google.rpc.Status`: no file
 * imports them, as the status has them in an Any, and JSON can't show an Any of a type that isn't known.
 */
export async function withErrorDetails(
  files: readonly FileDescriptorProto[],
  reflection: Reflection,
): Promise<readonly FileDescriptorProto[]> {
  const known = new Set(files.map(({ name }) => name));
  if (!known.has(STATUS_FILE)) return files;
  const details = await detailFiles(reflection);
  return [...files, ...details.filter(({ name }) => !known.has(name))];
}

/** None where the server doesn't have them. */
async function detailFiles(reflection: Reflection): Promise<readonly FileDescriptorProto[]> {
  try {
    return await reflection.filesOf(DETAIL);
  } catch (error) {
    if (error instanceof RpcError) return [];
    throw error;
  }
}
