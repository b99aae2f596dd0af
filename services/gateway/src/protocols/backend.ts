import { CallContext, type Logger, type Metadata, type Principal } from '@rondo/rpc/call';
import type { Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import {
  type createForwarder,
  type Method,
  observeReply,
  type Payload,
  receivedTraceId,
  Sampler,
  serverErrors,
} from '@rondo/rpc/internal';
import type { Router } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import type { PublicMethod } from '../discovery/catalogue.js';
import { publicError } from './public-error.js';

/** One call of a public method, as every protocol makes it. */
export interface BackendCall {
  readonly target: PublicMethod;
  /** With the trace of the call: its id is in the log, and in errors that hide their reason. */
  readonly metadata: Metadata;
  /** On whose behalf the call is made; undefined if that isn't known. */
  readonly principal?: Principal | undefined;
  /** How long the caller gives the call, in milliseconds; undefined if it says nothing. */
  readonly timeoutMs: number | undefined;
  /** Ends when the caller leaves. */
  readonly context: CallContext;
  /**
   * The encoded request. A function if the encoding depends on the instance that was picked: undefined from it means that
   * this instance can't take the call, so another is tried. It gets undefined if the gateway itself answers.
   *
   * If the function or the stream fails with an `RpcError`, the call rejects with that very error.
   */
  readonly request: Payload<Uint8Array> | ((to: Endpoint | undefined) => Payload<Uint8Array> | undefined);
}

type Forward = ReturnType<typeof createForwarder>;

/** The encoded reply. `from` is the instance that sent it, or undefined if the gateway itself answered. */
export type BackendReply = Omit<Awaited<ReturnType<Forward>>, 'from'> & { readonly from: Endpoint | undefined };

/**
 * Makes a call. It rejects with an `RpcError` whose message and details may be shown to anyone: no address, no host name,
 * no stack.
 */
export type Backend = (call: BackendCall) => Promise<BackendReply>;

export interface BackendOptions {
  /** From `createForwarder`. */
  readonly forward: Forward;
  /** Serves the methods that the gateway itself answers: reflection and health. */
  readonly local: Pick<Router, 'methods' | 'handle'>;
  /** How many instances of a service are known. */
  readonly instancesOf: (service: string) => number;
  /** Whether a text is the address of an instance of any service. Errors name none. */
  readonly isAddress: (text: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a backend reads of a call. */
type MethodCall = Omit<BackendCall, 'target'> & { readonly target: Pick<PublicMethod, 'method'> };

/**
 * Makes calls at the instances that serve their methods, or in the gateway itself. The log has the reason of each failure
 * whose text is replaced.
 *
 * The deadline that a caller gives is sent on. Without one, the gateway gives a unary call 10 s, as clients do, and no call more than the
 * contract's timeout and one second; these limits aren't sent, because no caller set them.
 */
export function createBackend(options: BackendOptions): (call: MethodCall) => Promise<BackendReply> {
  const { forward, local } = options;
  const toPublicError = createPublicErrors(options);
  const localPaths: ReadonlySet<string> = new Set(local.methods.map(({ path }) => path));
  return async (call) => {
    const { method } = call.target;
    if (localPaths.has(method.path)) return answerLocally(call, options);
    const { metadata, context, timeoutMs, request, principal } = call;
    try {
      const requestKey = method.policy.cache && requestKeyOf(request);
      const reply = await forward({
        method,
        metadata,
        context,
        timeoutMs,
        limitMs: limitOf(call),
        request,
        requestKey,
        principal,
      });
      return reply.response.stream ? withPublicErrors(reply, (fault) => toPublicError(fault, call)) : reply;
    } catch (error) {
      throw toPublicError(error, call);
    }
  };
}

/** The request in the encoding of most instances, for methods whose answers are kept. */
function requestKeyOf(request: BackendCall['request']): Parameters<Forward>[0]['requestKey'] {
  if (typeof request !== 'function') return undefined;
  return () => {
    const payload = request(undefined);
    return payload === undefined || payload.stream ? undefined : payload.message;
  };
}

/** Time for the server to end a call at its contract's timeout, before the gateway does. Milliseconds. */
const SERVER_FIRST_MS = 1_000;

function limitOf({ target: { method }, timeoutMs }: MethodCall): number | undefined {
  const { policy } = method;
  if (policy.timeoutMs !== undefined) return policy.timeoutMs + SERVER_FIRST_MS;
  return timeoutMs === undefined ? policy.defaultTimeoutMs : undefined;
}

function withPublicErrors(reply: Awaited<ReturnType<Forward>>, error: (fault: unknown) => RpcError): BackendReply {
  const { header, trailer, response } = observeReply(reply, { error });
  return {
    header,
    trailer,
    response,
    get from() {
      return reply.from;
    },
  };
}

/** How many failures of a kind are logged per second: a client causes as many as it likes, by a deadline that is too short. */
const LOGGED_PER_SECOND = 10;

/** Makes the errors for callers. The log gets a sample of the original errors. */
function createPublicErrors({
  instancesOf,
  isAddress,
  log,
  clock,
}: BackendOptions): (error: unknown, call: MethodCall) => RpcError {
  const samplers = {
    debug: new Sampler(LOGGED_PER_SECOND),
    warn: new Sampler(LOGGED_PER_SECOND),
    error: new Sampler(LOGGED_PER_SECOND),
  };
  return (error, call) => {
    const { service, path } = call.target.method;
    const traceId = receivedTraceId(call.metadata);
    const shown = publicError(error, { service, traceId, running: instancesOf(service) > 0, isAddress });
    // A server logs its own failures.
    if (shown === error || (error instanceof RpcError && error.origin === 'server')) return shown;
    const level = QUIET.has(shown.code) ? 'debug' : TROUBLES.has(shown.code) ? 'warn' : 'error';
    const leftOut = samplers[level].admit(clock.now());
    if (leftOut === undefined) return shown;
    const fields = { err: error, method: path, trace: traceId, ...(leftOut > 0 && { leftOut }) };
    log[level](fields, 'a call could not be passed on');
    return shown;
  };
}

const QUIET: ReadonlySet<Status> = new Set([Status.CANCELLED]);
const TROUBLES: ReadonlySet<Status> = new Set([
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.UNAVAILABLE,
  Status.UNIMPLEMENTED,
]);

/** Calls a method that the gateway serves. Its errors are written for anyone. */
async function answerLocally(call: MethodCall, { local, clock }: BackendOptions): Promise<BackendReply> {
  const { target, metadata, timeoutMs, principal } = call;
  const { path, responseStream }: Method = target.method;
  const request = typeof call.request === 'function' ? call.request(undefined) : call.request;
  if (request === undefined) throw serverErrors.NO_REQUEST();
  const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  const context = new CallContext({ clock, parents: [call.context] });
  const reply = await local.handle({ path, responseStream, metadata, deadline, context, request, peer: '', principal });
  return { ...reply, from: undefined };
}
