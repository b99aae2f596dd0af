import type { Clock } from '@rondo/base';
import type { Call, Reply } from '../call/call.js';
import type { Next } from '../middleware/middleware.js';
import { observeReply } from '../middleware/stream.js';
import { Status, type StatusName, statusName } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

/** How a call ended. */
export interface CallOutcome {
  readonly code: StatusName;
  /** From the start of the call to the end of its last message. */
  readonly durationMs: number;
  readonly error: unknown;
}

/** Runs the rest of the chain and reports how the call ended; a stream ends when its last message has been read. */
export function withOutcome<C extends Call>(
  call: C,
  next: Next<C>,
  options: { readonly clock: Clock; readonly onEnd: (outcome: CallOutcome) => void },
): Promise<Reply> {
  const startedAt = call.startedAt ?? options.clock.now();
  const end = (error?: unknown) =>
    options.onEnd({ code: codeOf(error), durationMs: options.clock.now() - startedAt, error });
  return next(call).then(
    (reply) => observeReply(reply, { end }),
    (error: unknown) => {
      end(error);
      throw error;
    },
  );
}

function codeOf(error: unknown): StatusName {
  if (error === undefined) return 'OK';
  return error instanceof RpcError ? error.codeName : statusName(Status.UNKNOWN);
}
