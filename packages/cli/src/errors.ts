import { RpcError } from '@rondo/rpc/status';

/** The command line is wrong. The message is one line that says what is wrong and what is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The message of a thrown value. It doesn't use `instanceof`, as errors of Node may come from another realm. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) return String(thrown.message);
  return String(thrown);
}

/** Why a call failed. The message of the last attempt says more than that no instance could be reached. */
export function reasonOf(thrown: unknown): string {
  const attempt = thrown instanceof RpcError ? thrown.report?.attempts.at(-1)?.message : undefined;
  return attempt ?? messageOf(thrown);
}

/** The code of an error of Node, such as `ENOENT`; undefined for other values. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
