import { RpcError } from '@rondo/rpc/status';

/** A command line that can't be understood: shown as one line that says what is wrong and what is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a thrown value says; node's own errors count as errors in every realm. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) return String(thrown.message);
  return String(thrown);
}

/** Why a call failed: the last attempt's reason, which tells more than that no instance could be reached. */
export function reasonOf(thrown: unknown): string {
  const attempt = thrown instanceof RpcError ? thrown.report?.attempts.at(-1)?.message : undefined;
  return attempt ?? messageOf(thrown);
}

/** The code of one of node's errors, such as `ENOENT`; undefined for anything else. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
