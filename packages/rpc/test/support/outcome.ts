import { RpcError } from '../../src/exports/status.js';

/** The error that `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<RpcError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RpcError) return error;
  throw new Error(`expected an RpcError, got ${error === undefined ? 'success' : String(error)}`, { cause: error });
}
