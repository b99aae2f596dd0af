import type { Channel } from '../channel/channel.js';
import { nameOf } from '../channel/no-instance.js';
import { Status } from '../status/code.js';
import { type Attempt, RpcError } from '../status/rpc-error.js';
import type { ClientCall } from './client.js';

/**
 * A copy of an `RpcError` with a report: the method, the attempts and the elapsed time. If the deadline has passed, the
 * message also says what the call was waiting for. Other errors are returned as they are.
 */
export function explain(
  error: unknown,
  { method, attempts, startedAt }: Pick<ClientCall, 'method' | 'attempts' | 'startedAt'>,
  channel: Channel,
): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, details, metadata, header, origin } = error;
  const missing = code === Status.DEADLINE_EXCEEDED ? missingAtDeadline(attempts, channel, method.service) : undefined;
  const message = missing === undefined ? error.message : `${error.message} (${missing})`;
  const elapsedMs = channel.clock.now() - startedAt;
  // Attempts are copied, because one that is still running changes when it ends.
  const report = { method: method.path, attempts: attempts.map((attempt) => ({ ...attempt })), elapsedMs };
  return new RpcError(code, message, { details, metadata, header, cause: error, report, origin });
}

/** What the call was waiting for at its deadline; undefined if the server ended it. */
function missingAtDeadline(attempts: readonly Attempt[], channel: Channel, service: string): string | undefined {
  const last = attempts.at(-1);
  if (last !== undefined) return last.code === 'PENDING' ? `${nameOf(last)}: ${last.message}` : undefined;
  const view = channel.inspect().find((one) => one.service === service);
  if (view !== undefined && view.endpoints.length > 0) return undefined;
  return `no instance of ${service} is known yet${WHY_NOT_YET[view?.source?.state ?? ''] ?? ''}`;
}

/** What the lookup is waiting for, by the state of the registry's answer. */
const WHY_NOT_YET: Readonly<Record<string, string>> = {
  connecting: ', as the registry has not answered',
  warming: ', as the registry has just started empty',
};
