import { type Attempt, RpcError, Status } from '../status/index.js';
import { nameOf } from './attempts.js';
import type { Channel } from './channel.js';
import type { ClientCall } from './client-call.js';

/** Adds to a failure which call it was, and where it was tried. */
export function explain(
  error: unknown,
  { method, attempts, startedAt }: Pick<ClientCall, 'method' | 'attempts' | 'startedAt'>,
  channel: Channel,
): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, details, metadata } = error;
  const missing = code === Status.DEADLINE_EXCEEDED ? missingAtDeadline(attempts, channel, method.service) : undefined;
  const message = missing === undefined ? error.message : `${error.message} (${missing})`;
  const elapsedMs = channel.clock.now() - startedAt;
  // A copy of each, as a try that was left behind still ends.
  const report = { method: method.path, attempts: attempts.map((attempt) => ({ ...attempt })), elapsedMs };
  return new RpcError(code, message, { details, metadata, cause: error, report });
}

/** What a call was waiting for when its time ran out; undefined where the server itself ended it. */
function missingAtDeadline(attempts: readonly Attempt[], channel: Channel, service: string): string | undefined {
  const last = attempts.at(-1);
  if (last !== undefined) return last.code === 'PENDING' ? `${nameOf(last)}: ${last.message}` : undefined;
  const known = channel.inspect().some((view) => view.service === service && view.endpoints.length > 0);
  return known ? undefined : `no instance of ${service} is known yet`;
}
