import { AsyncLocalStorage } from 'node:async_hooks';
import { CallLimit, currentScope } from '../call/index.js';
import type { Channel } from '../channel/channel.js';
import type { Fleet } from '../channel/fleet.js';
import { bindingOf } from '../client/bind-client.js';
import type { CallOptions } from '../client/client.js';
import { askedMs } from '../client/deadline.js';
import type { Clock, Random } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import { RpcError, Status } from '../status/index.js';
import type { UnaryMethod, WholeOptions } from './options.js';

/** What all parts of one whole share. */
export interface Whole<Req, Res> {
  readonly method: Method;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends with the call in which it was begun, with its own time, and when nobody needs its parts any more. */
  readonly limit: CallLimit;
  /** Asks one instance for one part. */
  ask(request: Req, instance: string): Promise<Res>;
  /** Runs `work` as part of the call in which the whole was begun, whoever it is that has it run. */
  inContext<T>(work: () => T): T;
}

/** Begins a whole of calls of `call`. */
export function beginWhole<Req, Res>(call: UnaryMethod<Req, Res>, options: WholeOptions): Whole<Req, Res> {
  const { method, channel } = bindingOf(call);
  if (method.requestStream || method.responseStream) {
    throw new TypeError(`${method.path} has a stream; a request is scattered over a unary method`);
  }
  const { clock, random } = channel;
  const fleet = channel.fleet(method);
  const limit = limitOf(options, channel);
  const callOptions: CallOptions = {
    signal: limit.signal,
    ...(options.metadata && { metadata: options.metadata }),
    ...(options.partTimeoutMs !== undefined && { timeoutMs: options.partTimeoutMs }),
  };
  return {
    method,
    fleet,
    clock,
    random,
    limit,
    ask: (request, instance) => call(request, { ...callOptions, instance }),
    inContext: AsyncLocalStorage.snapshot(),
  };
}

function limitOf(options: WholeOptions, { clock, wallClock }: Channel): CallLimit {
  const around = currentScope()?.limit;
  const parents = [around, options.signal].filter((parent) => parent !== undefined);
  const allowedMs = askedMs(options, wallClock) ?? Number.POSITIVE_INFINITY;
  if (Number.isNaN(allowedMs)) throw new RangeError('timeoutMs must be a number, and deadline a valid date');
  const deadline = allowedMs === Number.POSITIVE_INFINITY ? undefined : clock.now() + allowedMs;
  return new CallLimit({ clock, parents, deadline });
}

/** Why a part that was begun is not gone on with. */
export function notNeeded(): RpcError {
  return new RpcError(Status.CANCELLED, 'the outcome was certain without this part');
}
