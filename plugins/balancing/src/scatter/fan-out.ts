import { AsyncLocalStorage } from 'node:async_hooks';
import { millisecondsUntil } from '@rondo/base';
import { CallContext, currentScope, Metadata } from '@rondo/rpc/call';
import type { CallOptions, Channel } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import { bindingOf, type Method, withKey } from '@rondo/rpc/internal';
import type { Fleet } from '../channel-types.js';
import type { FanOutOptions, UnaryMethod } from './options.js';

/** One scatter or broadcast: what all its parts share. */
export interface FanOut<Req, Res> {
  readonly method: Method;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Ends at the fan-out's own deadline, with the call in whose handler the fan-out began, and when no further part is
   * needed. The parts that are in flight are cancelled then.
   */
  readonly context: CallContext;
  /** The calls of one part, each to an instance. They have one idempotency key, if the method has keys. */
  part(request: Req): (instance: string) => Promise<Res>;
  /** Runs `work` in the async context in which the fan-out began, whatever the caller's context is. */
  inContext<T>(work: () => T): T;
}

/** Begins a fan-out over `call`, a unary method of a client. */
export function beginFanOut<Req, Res>(call: UnaryMethod<Req, Res>, options: FanOutOptions): FanOut<Req, Res> {
  const { method, channel } = bindingOf(call);
  if (method.requestStream || method.responseStream) {
    throw new TypeError(`${method.path} has a stream; a request is scattered over a unary method`);
  }
  const { clock, random } = channel;
  const fleet = channel.fleet(method);
  const context = contextOf(options, channel);
  const callOptions: CallOptions = {
    signal: context.signal,
    ...(options.metadata && { metadata: options.metadata }),
    ...(options.partTimeoutMs !== undefined && { timeoutMs: options.partTimeoutMs }),
  };
  return {
    method,
    fleet,
    clock,
    random,
    context,
    part: (request) => {
      if (method.policy.key === undefined) return (instance) => call(request, { ...callOptions, instance });
      const metadata = new Metadata(options.metadata);
      const keyed = withKey(method, { request: { stream: false, message: request }, metadata }, channel);
      const message = (keyed.stream ? request : keyed.message) as Req;
      return (instance) => call(message, { ...callOptions, metadata, instance });
    },
    inContext: AsyncLocalStorage.snapshot(),
  };
}

function contextOf(options: FanOutOptions, { clock, wallClock }: Channel): CallContext {
  const around = currentScope()?.context;
  const parents = [around, options.signal];
  const { timeoutMs = Number.POSITIVE_INFINITY, deadline: at } = options;
  const allowedMs = at === undefined ? timeoutMs : Math.min(timeoutMs, millisecondsUntil(at, wallClock));
  if (Number.isNaN(allowedMs)) throw new RangeError('timeoutMs must be a number, and deadline a valid date');
  const deadline = allowedMs === Number.POSITIVE_INFINITY ? undefined : clock.now() + allowedMs;
  return new CallContext({ clock, parents, deadline });
}
