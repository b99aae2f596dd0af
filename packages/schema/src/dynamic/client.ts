import type { JsonObject, Message } from '@bufbuild/protobuf';
import { currentScope, runOutsideScope } from '@rondo/rpc/call';
import type { CallOptions, Channel } from '@rondo/rpc/client';
import { defaultChannel } from '@rondo/rpc/internal';
import type { DynamicMethod, Schema } from '../contract.js';
import { writeMessage } from '../json/message.js';
import { bindMethod, type Invoke, servicePolicy } from '../method.js';
import type { ContractSource } from './contracts.js';
import { dynamicErrors } from './errors.js';
import { theService } from './names.js';
import { reflectionContracts } from './reflection.js';
import { toRequest } from './request.js';

/** Options of {@link createDynamicClient}. */
export interface DynamicClientOptions {
  /** The channel that carries the calls. Default: the process's channel over the registry at `RONDO_REGISTRY`. */
  readonly channel?: Channel;
  /** Where contracts come from. Default: reflection, over the channel. */
  readonly contracts?: ContractSource;
}

/** The options of a typed client's call. `timeoutMs` and `deadline` also bound the time in which the contract is learnt. */
export type DynamicCallOptions = CallOptions;

/** One request, or several for a method with a stream of requests. */
type Requests = object | Iterable<object> | AsyncIterable<object>;

/** A method of a contract, bound to a channel. */
export interface DynamicMethodClient {
  /** The contract of its service. */
  readonly schema: Schema;
  readonly method: DynamicMethod;
  /** Calls the method with messages instead of objects, whatever its kind. */
  readonly invoke: Invoke;
  /**
   * Calls a method with one reply. See {@link DynamicClient.call}.
   *
   * @throws RpcError
   */
  call(request?: Requests, options?: DynamicCallOptions): Promise<JsonObject>;
  /** Calls a method of any kind. See {@link DynamicClient.stream}. */
  stream(request?: Requests, options?: DynamicCallOptions): AsyncIterable<JsonObject>;
}

/**
 * A client of any service. Names: a service by its full name or an end of it that only one service has, such as
 * `CalculatorService` or `Calculator`; a method as in the contract or in camelCase. A request is proto3 JSON as an object:
 * fields in camelCase or as in the contract, 64-bit integers as `bigint`, text or a number up to 2^53, bytes as
 * `Uint8Array` or base64, times as `Date` or RFC 3339. A reply is proto3 JSON as well: its 64-bit integers are texts. A reply
 * that isn't an object in JSON, such as a `google.protobuf.StringValue`, is `{ value }`.
 *
 * Every failure is an RpcError: `UNIMPLEMENTED` for a service or method that isn't known, `INVALID_ARGUMENT` for an
 * ambiguous name and for a request that doesn't fit its message, and otherwise as from a typed client.
 */
export interface DynamicClient {
  /** Calls a method with one reply. A method with a stream of requests takes an iterable of them. */
  call(service: string, method: string, ...rest: CallArguments): Promise<JsonObject>;
  /** Calls a method with a stream of replies; a method with one reply yields that. The call starts with the first read. */
  stream(service: string, method: string, ...rest: CallArguments): AsyncIterable<JsonObject>;
  /** Looks a method up, to call it many times or to see its contract. */
  method(service: string, method: string): Promise<DynamicMethodClient>;
  /** The contract of a service. It is learnt once. */
  schema(service: string): Promise<Schema>;
}

type CallArguments = readonly [request?: Requests, options?: DynamicCallOptions];

/** How many spellings of services' names a client remembers. */
const MAX_NAMES = 1_000;

/** Creates a client that calls any service by name. It looks nothing up before the first call. */
export function createDynamicClient(options: DynamicClientOptions = {}): DynamicClient {
  const channel = options.channel ?? defaultChannel();
  const contracts = options.contracts ?? reflectionContracts(channel);
  const byName = new Map<string, Promise<Schema>>();
  const learnt = new Map<string, Schema>();
  const bound = new Map<string, DynamicMethodClient>();

  async function learn(name: string): Promise<Schema> {
    const service = theService(name, await contracts.services());
    const contract = learnt.get(service) ?? (await contracts.load(service));
    learnt.set(service, contract);
    // The first use of a service decides how it is balanced.
    channel.follow(service, servicePolicy(contract.desc));
    return contract;
  }

  /** A contract that could not be learnt is looked for again by the next call. */
  function schema(service: string): Promise<Schema> {
    const known = byName.get(service);
    if (known !== undefined) return known;
    const learning = runOutsideScope(() => learn(service));
    byName.set(service, learning);
    const [oldest] = byName.keys();
    if (byName.size > MAX_NAMES && oldest !== undefined) byName.delete(oldest);
    learning.catch(() => byName.delete(service));
    return learning;
  }

  async function method(service: string, name: string): Promise<DynamicMethodClient> {
    const contract = await schema(service);
    const found = contract.method(name);
    const key = `${found.service}/${found.name}`;
    const known = bound.get(key) ?? bindDynamic(contract, found, channel);
    bound.set(key, known);
    return known;
  }

  /** Finds the method within the time of the call, and the options for the rest of that time. */
  async function prepare(service: string, name: string, call: DynamicCallOptions = {}) {
    const startedAt = channel.clock.now();
    const target = await within(method(service, name), { channel, call, service });
    const { timeoutMs } = call;
    if (timeoutMs === undefined) return { target, rest: call };
    return { target, rest: { ...call, timeoutMs: timeoutMs - (channel.clock.now() - startedAt) } };
  }

  return {
    async call(service, name, ...[request, call]) {
      const { target, rest } = await prepare(service, name, call);
      return target.call(request, rest);
    },
    async *stream(service, name, ...[request, call]) {
      const { target, rest } = await prepare(service, name, call);
      yield* target.stream(request, rest);
    },
    method,
    schema,
  };
}

function bindDynamic(schema: Schema, method: DynamicMethod, channel: Channel): DynamicMethodClient {
  const { registry } = schema;
  const invoke = bindMethod(method, channel);
  const toReply = (message: Message): JsonObject => {
    const view = writeMessage(method.output, message, registry);
    return typeof view === 'object' && view !== null && !Array.isArray(view) ? view : { value: view };
  };
  const start = (request: Requests, options: DynamicCallOptions) => {
    if (method.requestStream) return invoke(toRequests(request, { method, schema }), options);
    const message = toRequest(method.input, request, registry);
    return invoke(only(message), options);
  };
  return {
    schema,
    method,
    invoke,
    async call(request = {}, options = {}) {
      if (method.responseStream) {
        throw dynamicErrors.REPLIES_STREAM({ method: nameOf(method) });
      }
      for await (const reply of start(request, options)) return toReply(reply);
      throw dynamicErrors.NO_REPLY({ method: nameOf(method) });
    },
    async *stream(request = {}, options = {}) {
      for await (const reply of start(request, options)) yield toReply(reply);
    },
  };
}

interface Bound {
  readonly method: DynamicMethod;
  readonly schema: Schema;
}

async function* toRequests(requests: Requests, { method, schema }: Bound): AsyncIterable<Message> {
  if (!isIterable(requests)) throw dynamicErrors.REQUESTS_STREAM({ method: nameOf(method) });
  for await (const request of requests) yield toRequest(method.input, request, schema.registry);
}

function isIterable(value: Requests): value is Iterable<object> | AsyncIterable<object> {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

async function* only(message: Message): AsyncIterable<Message> {
  yield message;
}

const nameOf = ({ service, name }: DynamicMethod) => `${service}/${name}`;

interface Within {
  readonly channel: Channel;
  readonly call: DynamicCallOptions;
  readonly service: string;
}

/** Waits for the contract as long as the call may take: learning goes on for other calls. */
function within<T>(learning: Promise<T>, { channel, call, service }: Within): Promise<T> {
  const { timeoutMs, deadline, signal } = call;
  const { clock, wallClock } = channel;
  const leftMs = Math.min(
    timeoutMs ?? Number.POSITIVE_INFINITY,
    deadline === undefined ? Number.POSITIVE_INFINITY : deadline.getTime() - wallClock.now().getTime(),
  );
  const ends = [signal, currentScope()?.signal].filter((one) => one !== undefined);
  const over = AbortSignal.any(ends);
  return new Promise((resolve, reject) => {
    const late = () => reject(dynamicErrors.LEARNT_TOO_LATE({ service }));
    const cancel = () => reject(dynamicErrors.CANCELLED());
    const timer = Number.isFinite(leftMs) ? clock.setTimer(leftMs, late) : undefined;
    const settled = () => {
      timer?.cancel();
      over.removeEventListener('abort', cancel);
    };
    over.addEventListener('abort', cancel, { once: true });
    if (over.aborted) cancel();
    learning.then(resolve, reject).finally(settled);
  });
}
