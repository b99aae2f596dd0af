import type { ResourceWatch } from '@rondo/resources/domain';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';

/** The fields that requests of watches have in common. */
export interface WatchRequest {
  readonly resumeToken: string;
  readonly fromNow: boolean;
}

/**
 * What a call watches, on behalf of its principal.
 *
 * @param of the id of the resource to which the watched ones belong; undefined for all.
 */
export function watchOf(
  { resumeToken, fromNow }: WatchRequest,
  { signal, values }: Pick<ServerCall, 'signal' | 'values'>,
  of?: string,
): ResourceWatch {
  return { of, watcher: values.get(callPrincipal), fromNow, resumeToken, signal };
}
