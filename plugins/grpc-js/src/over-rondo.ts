import * as grpc from '@grpc/grpc-js';
import { type CallOptions, type Channel, createClient } from '@rondo/rpc/client';
import { BYTES, type MethodDefinition, type ServiceDefinition } from '@rondo/rpc/internal';
import { mapMessages } from '@rondo/rpc/middleware';
import { type Exchange, startOutgoing } from './outgoing-call.js';

/** Options of {@link overRondo}. */
export interface OverRondoOptions {
  /** The channel that carries the calls. Default: the process's channel over the registry at `RONDO_REGISTRY`. */
  readonly channel?: Channel;
  /**
   * The service's definition in the generated contracts of Rondo. With it, calls follow the contract's policies, such as timeouts,
   * retries and balancing. Without it, they have the defaults, and no method is taken to be safe to repeat.
   */
  readonly contract?: ServiceDefinition;
  /** The client's interceptors, outermost first. */
  readonly interceptors?: readonly grpc.Interceptor[];
}

/**
 * The options of a client of grpc-js whose calls go over a channel of Rondo: it finds the instances of the service, picks one for
 * each call, and tries another one if that is safe. The client's address and credentials aren't used.
 *
 * ```ts
 * const calculator = new calculators.Calculator('rondo', credentials.createInsecure(), overRondo({ channel }));
 * ```
 *
 * A call behaves as with grpc-js, with these differences. A unary call without a deadline has 10 s, as those of `createClient`;
 * `Infinity` is none. `waitForReady()` of the client calls back at once; a call whose metadata has the option `waitForReady` waits
 * for an instance. `close()` ends the client, and leaves the channel open. `getPeer()` is `unknown`; `rondo-served-by` in the
 * trailing metadata names the instance. The options `host`, `credentials` and `interceptors` of a call throw.
 */
export function overRondo({ interceptors = [], ...options }: OverRondoOptions = {}): grpc.ClientOptions {
  const exchanges = new Map<string, Exchange>();
  const channel = channelWithoutCalls();
  const last: grpc.Interceptor = (call) => {
    channel.getConnectivityState(false);
    const { path } = call.method_definition;
    const exchange = exchanges.get(path) ?? bind(call, options);
    exchanges.set(path, exchange);
    return new grpc.InterceptingCall(startOutgoing(call, exchange));
  };
  return { channelOverride: channel, interceptors: [...interceptors, last] };
}

/** The channel of a client, without calls: the last interceptor makes the calls, because only grpc-js can create calls of a channel. */
function channelWithoutCalls(): grpc.ChannelInterface {
  let closed = false;
  return {
    close() {
      closed = true;
    },
    getTarget: () => 'rondo',
    getConnectivityState() {
      if (closed) throw new Error('Channel has been shut down');
      return grpc.connectivityState.READY;
    },
    watchConnectivityState: () => refuse('watchConnectivityState() is'),
    getChannelzRef: () => refuse('getChannelzRef() is'),
    createCall: () =>
      refuse('interceptors of a call are', ', as they replace the one that calls: give them to overRondo'),
  };
}

function refuse(what: string, why = ''): never {
  throw new TypeError(`${what} not supported over a channel of Rondo${why}`);
}

/** Binds a method to a channel. */
function bind(options: grpc.InterceptorOptions, { channel, contract }: OverRondoOptions): Exchange {
  const { path, requestStream, responseStream } = options.method_definition;
  const [, fullName = '', name = ''] = path.split('/');
  const encoded = { name, requestStream, responseStream, requestType: BYTES, responseType: BYTES, options: {} };
  const methods = contract?.fullName === fullName ? Object.values(contract.methods) : [];
  const known = methods.find((one) => one.name === name);
  const method: MethodDefinition | undefined = contract === undefined ? encoded : known;
  if (method === undefined) throw new TypeError(`${path} is not in the contract ${contract?.fullName}`);
  const service = { name: fullName.slice(fullName.lastIndexOf('.') + 1), fullName, methods: { call: method } };
  // The type is that of a unary method, as the compiler doesn't know which kind it is.
  const call: (request: object, options: CallOptions) => unknown = createClient(service, channel && { channel }).call;
  const encode = (reply: unknown) => method.responseType.encode(reply).finish();
  return async function* (requests, given) {
    const messages = mapMessages(requests, (bytes) => Object(method.requestType.decode(bytes)));
    const result = call(requestStream ? messages : await first(messages), given);
    if (isAsyncIterable(result)) yield* mapMessages(result, encode);
    else yield encode(await result);
  };
}

async function first(messages: AsyncIterable<object>): Promise<object> {
  for await (const message of messages) return message;
  throw new Error('the call has no request');
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
