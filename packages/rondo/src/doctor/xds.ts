import { type Refusal, XdsStatusServiceDefinition } from '@rondo/contracts/rondo/xds/v1/xds';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { withChannel } from '../channels.js';
import { type Outcome, warn } from './finding.js';

/** Asks a registry which xDS clients refuse what it sends. A registry before 0.3 doesn't know. */
export async function examineXds(addresses: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]> {
  try {
    const { refusals } = await withChannel(addresses, (channel) =>
      createClient(XdsStatusServiceDefinition, { channel }).listRefusals({}, { signal }),
    );
    return judgeRefusals(refusals);
  } catch (error) {
    if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return [];
    throw error;
  }
}

/** A client that refuses resources goes on with the last ones that it took, or has none. */
export function judgeRefusals(refusals: readonly Refusal[]): readonly Outcome[] {
  if (refusals.length === 0) return [];
  const named = refusals.map(
    ({ node, userAgent, peer, type, reason }) => `${node} (${userAgent} at ${peer}) refuses a ${type}: ${reason}`,
  );
  const remedy = "see which clients can do what: Rondo's docs/guides/other-languages.md";
  return [warn(`the registry's endpoints don't reach all gRPC clients: ${named.join('; ')}`, remedy)];
}
