import type { ClientCall } from '../call/client-call.js';
import type { Channel } from '../channel/channel.js';
import type { ServiceView } from '../channel/service-view.js';
import { Status } from '../status/code.js';
import { nameOf, RpcError } from '../status/rpc-error.js';

/** What an error tells of its call. */
type ExplainedCall = Pick<ClientCall, 'method' | 'attempts' | 'startedAt' | 'options' | 'timing'>;

/**
 * A copy of an `RpcError` with a report: the method, the attempts and the elapsed time. If the deadline has passed, the
 * message also says what the call was waiting for; a missing instance comes first. Other errors are returned as they are.
 */
export function explain(error: unknown, call: ExplainedCall, channel: Channel): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, details, metadata, header, origin, retryPushbackMs } = error;
  const { method, attempts, startedAt, timing } = call;
  const message = code === Status.DEADLINE_EXCEEDED ? messageAtDeadline(error.message, call, channel) : error.message;
  const elapsedMs = channel.clock.now() - startedAt;
  // Attempts are copied, because one that is still running changes when it ends.
  const copies = attempts.map((attempt) => ({ ...attempt }));
  const report = { method: method.path, attempts: copies, elapsedMs, ...(timing !== undefined && { timing }) };
  return new RpcError(code, message, { details, metadata, header, cause: error, report, origin, retryPushbackMs });
}

/** Adds what the call was waiting for at its deadline, unless the server ended it. */
function messageAtDeadline(
  late: string,
  { method: { service, policy }, attempts, options }: ExplainedCall,
  channel: Channel,
): string {
  const last = attempts.at(-1);
  if (last?.code === 'PENDING') return `${late} (${nameOf(last)}: ${last.message})`;
  const waits = options.waitForReady ?? policy.waitForReady === true;
  if (last !== undefined && !waits) return late;
  const view = channel.inspect().find((one) => one.service === service);
  if (view !== undefined && view.endpoints.length > 0) {
    const reason = waits ? unreachable(view) : undefined;
    return reason === undefined ? late : `${late} (${reason})`;
  }
  const why = WHY_NOT_YET[view?.source?.state ?? ''] ?? '';
  const [limit] = late.split(';', 1);
  return `no instance of ${service} is known yet${why}: start one, or see what rondo ps lists (${limit})`;
}

/** Why a call waits for its instances; undefined if one is connected. */
function unreachable({ service, endpoints }: ServiceView): string | undefined {
  if (endpoints.some(({ state }) => state === 'ready')) return undefined;
  const reasons = endpoints.map(
    ({ instanceId: instance, address, state, lastError = state }) => `${nameOf({ instance, address })}: ${lastError}`,
  );
  return `no instance of ${service} can be reached: ${reasons.join('; ')}`;
}

/** What the lookup is waiting for, by the state of the registry's answer. */
const WHY_NOT_YET: Readonly<Record<string, string>> = {
  connecting: ', as the registry has not answered',
  warming: ', as the registry has just started empty',
};
