import { runOutsideScope } from '@rondo/rpc/call';
import type { ClientCall } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { clientErrors, detach, encodeMessage, type Reply } from '@rondo/rpc/internal';
import type { Next } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Kept } from './memory.js';

/** What a flight brings back. */
export interface Landed {
  readonly kept: Kept;
  /** The reply itself, if this process made the call. One caller may take it. */
  readonly reply: Reply | undefined;
}

/** The least timeout of a shared call whose contract has none; that of its first caller may be longer. Milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** A call that one or more callers wait for. It is cancelled when the last of them has left. */
export interface Flight {
  readonly landed: Promise<Landed>;
  readonly tag: string | undefined;
  /** Resolves or rejects as the flight does, or rejects once the flight's time is over. */
  join(call: ClientCall): Promise<Landed>;
  /** Whether `error` says that the flight had less time than `call` has. */
  endedBefore(call: ClientCall, error: unknown): boolean;
}

/** Makes the answer of a flight, by the call if no other source has it. */
export type Fill = (request: () => Promise<Landed>) => Promise<Landed>;

/** Options of {@link startFlight}. */
export interface FlightOptions {
  readonly clock: Clock;
  readonly fill: Fill;
  /** The flight goes on although no caller waits for it. */
  readonly background: boolean;
  /** The resource that the answer is about. */
  readonly tag: string | undefined;
  /** Called when the last caller has left. */
  readonly onLeft: () => void;
}

/** Starts a flight for `call`, whose end isn't the end of the flight. */
export function startFlight(call: ClientCall, next: Next<ClientCall>, options: FlightOptions): Flight {
  const { clock, fill, background, tag, onLeft } = options;
  const timeoutMs = timeoutOf(call, { clock, background });
  const endsAt = clock.now() + timeoutMs;
  let made: ReturnType<typeof detach> | undefined;
  let left: RpcError | undefined;
  const request = async (): Promise<Landed> => {
    if (left !== undefined) throw left;
    const startedAt = clock.now();
    made = detach(call, next, { clock, timeoutMs: endsAt - startedAt });
    const reply = await made.reply;
    return { kept: toKept(call, reply, { startedAt, from: made.from, tag }), reply };
  };
  const landed = runOutsideScope(() => fill(request));
  // Waiting callers get the error. If none waits it is dropped, and the next call starts anew.
  landed.catch(() => undefined);
  let waiters = background ? 1 : 0;
  const leave = () => {
    waiters -= 1;
    if (waiters > 0) return;
    left = clientErrors.CANCELLED();
    onLeft();
    made?.end(left);
  };
  return {
    landed,
    tag,
    async join(waiting) {
      waiters += 1;
      waiting.context.onEnd(leave);
      try {
        return await landed;
      } catch (error) {
        waiting.attempts.push(...(made?.call.attempts ?? []));
        throw error;
      } finally {
        waiting.context.offEnd(leave);
      }
    },
    endedBefore(waiting, error) {
      const late = error instanceof RpcError && error.code === Status.DEADLINE_EXCEEDED;
      return late && (waiting.context.endsAt ?? Number.POSITIVE_INFINITY) > endsAt;
    },
  };
}

/**
 * How long a flight may take: as long as the contract allows each call, or else at least as long as its first caller does, so
 * that callers with more time can share it.
 */
function timeoutOf(
  { method, context }: ClientCall,
  { clock, background }: { readonly clock: Clock; readonly background: boolean },
): number {
  const { timeoutMs } = method.policy;
  if (timeoutMs !== undefined) return timeoutMs;
  if (background) return DEFAULT_TIMEOUT_MS;
  return Math.max(DEFAULT_TIMEOUT_MS, (context.endsAt ?? Number.POSITIVE_INFINITY) - clock.now());
}

/** The answer of a reply, in memory of its own: a received message is a part of a larger buffer. */
function toKept(
  { method }: ClientCall,
  { response }: Reply,
  { startedAt, from, tag }: Pick<Kept, 'from' | 'tag'> & { readonly startedAt: number },
): Kept {
  if (response.stream) throw new TypeError('a stream where one message was expected');
  const { message } = response;
  const encoded = message instanceof Uint8Array ? message : encodeMessage(method.responseType, message);
  // Not by `slice`, which copies nothing of a Buffer.
  const bytes = new Uint8Array(encoded);
  const { ttlMs = 0, staleMs = 0 } = method.policy.cache ?? {};
  const freshUntil = startedAt + ttlMs;
  return { bytes, freshUntil, staleUntil: freshUntil + staleMs, from, tag };
}
