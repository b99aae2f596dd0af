import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@rondo/rpc/call';
import { fingerprintsOf } from '../fingerprint.js';
import { StartupError } from './startup-error.js';

/**
 * Loads the descriptor set for reflection and fingerprints. A process serves without it, unless `RONDO_DESCRIPTORS`
 * names its file.
 *
 * @param path the value of `RONDO_DESCRIPTORS`.
 * @throws StartupError if that file can't be read.
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

/** The fingerprints of `services` for the registry; a service that the set doesn't hold has none. */
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
 * The bytes of the descriptor set at `path`, by default of the one in `@rondo/contracts`. A bundled process has no
 * packages, so its image sets the path.
 *
 * @throws Error if the file doesn't exist; the message names it.
 */
function loadDescriptorSet(path: string | undefined): Uint8Array {
  return readFileSync(path ?? fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb')));
}
