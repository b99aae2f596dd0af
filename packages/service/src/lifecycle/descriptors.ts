import type { Logger } from '@rondo/rpc/call';
import { fingerprintsOf } from '../fingerprint/fingerprint.js';
import { StartupError } from './startup-error.js';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The descriptor set that a process tells its contracts from. It is a convenience: without its file a process serves all
 * the same, unless the file was asked for.
 *
 * @param path the value of `RONDO_DESCRIPTORS`.
 * @throws StartupError where the file that was asked for can't be read.
 */
export function loadDescriptors(path: string | undefined, log: Logger): Uint8Array | undefined {
  try {
    return loadDescriptorSet(path);
  } catch (cause) {
    const reason = reasonOf(cause);
    if (path !== undefined) throw new StartupError(`can't read RONDO_DESCRIPTORS=${path}: ${reason}`, { cause });
    log.warn({ reason }, 'reflection knows no contract: set RONDO_DESCRIPTORS to the descriptor set');
    return undefined;
  }
}

/** What the registry is told of the contracts of `services`: nothing of those that the set doesn't hold. */
export function fingerprints(
  services: readonly string[],
  descriptorSet: Uint8Array | undefined,
  log: Logger,
): Readonly<Record<string, string>> {
  if (descriptorSet === undefined) return {};
  try {
    return fingerprintsOf(services, descriptorSet);
  } catch (error) {
    log.warn(
      { reason: reasonOf(error) },
      'no contract has a fingerprint: the descriptor set is damaged, build it again',
    );
    return {};
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The bytes of the descriptor set at `path`, or of the one in `@rondo/contracts` where none is given. A bundled process
 * has no packages: its image says where the file is.
 *
 * @throws Error where there is no such file; the message names it.
 */
function loadDescriptorSet(path: string | undefined): Uint8Array {
  return readFileSync(path ?? fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb')));
}
