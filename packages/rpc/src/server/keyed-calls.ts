import type { KeyedCall, Once, Outcome, Settle, StoredOutcome } from '@rondo/base';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { Reply, ServerCall } from '../call/call.js';
import type { OutcomeStore } from '../call/outcome-store.js';
import { type CallScope, currentWorkLimits, runInScope } from '../call/scope.js';
import { callerOf, callSettle } from '../call/values.js';
import type { KeySource } from '../contract/key-policy.js';
import { digestRequest } from '../contract/request-digest.js';
import { clientErrors } from '../errors/client.js';
import { serverErrors } from '../errors/server.js';
import { Status, statusFromCode } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { KeyRepeated, toRpcError } from './faults.js';
import { decodedFrom, encodedAs, encodedRequest, encodeResponse } from './routed-call.js';

/** Runs the handler of one call in a scope. */
type Handle = (scope: CallScope) => Promise<Reply>;

/** Runs the handler of a call once per idempotency key: a repetition gets the outcome of the first call. A call without a key just runs. */
export async function runOnce(call: ServerCall, store: OutcomeStore, handle: Handle): Promise<Reply> {
  const keyed = keyedCallOf(call);
  if (keyed === undefined) return handle(call);
  const once = new OnceCall(call, keyed);
  return store.lock === undefined ? inTransaction(once, store, handle) : locked(once, store, handle);
}

/** Undefined if the call has no key. @throws RpcError `INVALID_ARGUMENT` for a key that isn't allowed. */
function keyedCallOf(call: ServerCall): KeyedCall | undefined {
  const { method, values } = call;
  const { key: policy } = method.policy;
  const given = policy && keyIn(call, policy.source);
  if (policy === undefined || given === undefined || given === '') return undefined;
  if (!KEY.test(given)) {
    throw serverErrors.INVALID_KEY({ key: nameOf(policy.source) });
  }
  return {
    method: method.path,
    caller: callerOf(values),
    key: UUID.test(given) ? given.toLowerCase() : given,
    fingerprint: digestRequest(encodedRequest(call), policy.shape),
    retentionMs: policy.retentionMs,
  };
}

const KEY = /^[\x21-\x7e]{1,128}$/;
/** UUIDs are equal whatever the case of their letters (RFC 9562). */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function keyIn({ metadata, request }: ServerCall, source: KeySource): string | undefined {
  if (source.from === 'metadata') return metadata.get(source.key);
  const { message } = request.stream ? { message: undefined } : request;
  const value: unknown =
    typeof message === 'object' && message !== null ? Reflect.get(message, source.name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The name of the key's field or metadata, as the caller knows it. */
const nameOf = (source: KeySource): string => (source.from === 'field' ? source.inContract : source.key);

/** The handler's transaction claims the key and stores the reply. */
async function inTransaction(once: OnceCall, store: OutcomeStore, handle: Handle): Promise<Reply> {
  let reply: Reply | undefined;
  let failure: unknown;
  try {
    reply = await handle(once.scope({ once }));
  } catch (error) {
    failure = error;
  }
  if (once.misuse !== undefined)
    throw failure instanceof RpcError && failure.cause === once.misuse ? failure : toRpcError(once.call, once.misuse);
  if (once.first !== undefined) return once.answer(once.first);
  return reply === undefined ? afterFailure(once, store, toRpcError(once.call, failure)) : once.checked(reply);
}

/**
 * A call that fails may be a repetition: the first call may have changed what made this one fail. Most calls are
 * not, so the store is asked only after a failure.
 */
async function afterFailure(once: OnceCall, store: OutcomeStore, failure: RpcError): Promise<Reply> {
  const { call } = once;
  if (call.context.reason !== undefined) throw failure;
  const isFinal = call.method.policy.key?.finalCodes.has(failure.code) === true;
  let first: StoredOutcome | undefined;
  try {
    const options = once.storeOptions();
    first = isFinal ? await store.add(once, outcomeOf(failure), options) : await store.find(once, options);
  } catch (error) {
    if (call.context.reason !== undefined || failure.code === Status.UNAVAILABLE) throw failure;
    call.log.warn({ err: error }, 'the outcome of a call with an idempotency key could not be looked up');
    throw serverErrors.KEY_NOT_LOOKED_UP({ cause: error });
  }
  if (first === undefined) throw failure;
  return once.answer(first);
}

/** The store itself keeps calls with one key apart. */
async function locked(once: OnceCall, store: OutcomeStore, handle: Handle): Promise<Reply> {
  const { call } = once;
  const options = { signal: call.signal };
  const release = await store.lock?.(once, options);
  try {
    const first = await store.find(once, options);
    if (first !== undefined) return once.answer(first);
    const reply = await handle(call);
    const { response } = reply;
    if (!response.stream)
      await store.add(once, { code: Status.OK, bytes: encodeResponse(call.method, response.message) }, options);
    return reply;
  } catch (error) {
    const failure = toRpcError(call, error);
    if (call.method.policy.key?.finalCodes.has(failure.code)) await store.add(once, outcomeOf(failure), options);
    throw failure;
  } finally {
    release?.();
  }
}

function outcomeOf({ code, message, details }: RpcError): Outcome {
  return { code, bytes: RichStatus.encode({ code, message, details: [...details] }).finish() };
}

/** One call with an idempotency key, and what its transaction reports. */
class OnceCall implements Once {
  readonly method: string;
  readonly caller: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
  readonly retentionMs: number;
  readonly settle: Settle | undefined;
  readonly call: ServerCall;
  /** The outcome of the first call with this key. */
  first: StoredOutcome | undefined;
  /** What the handler has done that it must not. */
  misuse: TypeError | undefined;
  #began = false;
  #reply: Uint8Array | undefined;

  constructor(call: ServerCall, { method, caller, key, fingerprint, retentionMs }: KeyedCall) {
    this.call = call;
    this.method = method;
    this.caller = caller;
    this.key = key;
    this.fingerprint = fingerprint;
    this.retentionMs = retentionMs;
    this.settle = call.values.get(callSettle);
  }

  begin(): void {
    if (this.#began) throw this.#misused('runs a second writing transaction; write everything in one');
    this.#began = true;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return runInScope(this.scope({ once: this, refuseCall: clientErrors.IN_TRANSACTION }), work);
  }

  encode(result: unknown): Uint8Array {
    if (typeof result !== 'object' || result === null) {
      throw this.#misused('returns no reply from its writing transaction; return the reply there');
    }
    const bytes = encodedAs(this.call.method, result);
    this.#reply = bytes;
    return bytes;
  }

  repeated(first: StoredOutcome): Error {
    this.first = first;
    return new KeyRepeated(`${this.method}: an earlier call had the same idempotency key`);
  }

  /** The scope of the call with some properties of its own. */
  scope(own: Pick<CallScope, 'once' | 'refuseCall'>): CallScope {
    const { call } = this;
    const { context, traceId, method, values, peer } = call;
    return {
      context,
      traceId,
      method,
      values,
      peer,
      ...own,
      get signal() {
        return call.signal;
      },
    };
  }

  /** How long the store may take. */
  storeOptions() {
    const { signal, outageWait } = runInScope(this.scope({}), currentWorkLimits);
    return { signal, outageWait };
  }

  /** The handler's reply. @throws RpcError `INTERNAL` if it isn't what the transaction has stored. */
  checked(reply: Reply): Reply {
    const { call } = this;
    if (this.#reply === undefined) {
      throw toRpcError(
        call,
        this.#misused('has answered without a writing transaction, so a repetition would have effects again'),
      );
    }
    if (reply.response.stream || !isEqual(encodeResponse(call.method, reply.response.message), this.#reply)) {
      throw toRpcError(
        call,
        this.#misused('returns another reply than its writing transaction, which is what repetitions get'),
      );
    }
    return reply;
  }

  /**
   * Answers with a stored outcome. @throws RpcError the stored error, or `ALREADY_EXISTS` if the outcome belongs to
   * another request.
   */
  answer({ fingerprint, code, bytes }: StoredOutcome): Reply {
    const { header, trailer, method } = this.call;
    if (!isEqual(fingerprint, this.fingerprint)) {
      const { key } = method.policy;
      throw serverErrors.KEY_REUSED({ key: key === undefined ? '' : nameOf(key.source), value: this.key });
    }
    if (code !== Status.OK) {
      const { message, details } = RichStatus.decode(bytes);
      throw new RpcError(statusFromCode(code), message, { details });
    }
    return { header, trailer, response: { stream: false, message: decodedFrom(method, bytes) } };
  }

  #misused(what: string): TypeError {
    this.misuse = new TypeError(`the handler of ${this.method}, whose contract has idempotency keys, ${what}`);
    return this.misuse;
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
