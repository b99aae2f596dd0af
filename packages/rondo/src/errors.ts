import { RpcError } from '@rondo/rpc/status';
import { messageOf } from './workspace/errors.js';

/** The command line is wrong. The message is one line that says what is wrong and what is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Why a call failed. The message of the last attempt says more than that no instance could be reached. */
export function reasonOf(thrown: unknown): string {
  const attempt = thrown instanceof RpcError ? thrown.report?.attempts.at(-1)?.message : undefined;
  return attempt ?? messageOf(thrown);
}
