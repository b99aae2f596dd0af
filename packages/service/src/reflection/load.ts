import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The bytes of the descriptor set at `path`, or of the one in `@rondo/contracts` where none is given. A bundled process
 * has no packages: its image says where the file is.
 *
 * @throws Error where there is no such file; the message names it.
 */
export function loadDescriptorSet(path: string | undefined): Uint8Array {
  return readFileSync(path ?? fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb')));
}
