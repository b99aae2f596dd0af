import { RpcError, Status } from '../status/index.js';

/** Why a watch of the registry at `address` came to nothing, in few words. */
export function describeFailure(error: unknown, address: string): string {
  if (!(error instanceof RpcError)) return error instanceof Error ? error.message : String(error);
  if (error.code === Status.UNIMPLEMENTED) return `what answers there is no registry: ${error.message}`;
  // The call's own message also names its service, which is always the registry's, and where it was tried.
  const named = error.message.lastIndexOf(`${address}: `);
  return named < 0 ? error.message : error.message.slice(named + address.length + 2);
}
