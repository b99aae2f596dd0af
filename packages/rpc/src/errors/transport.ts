import { defineErrors } from '../status/define-errors.js';
import { TransportError } from '../status/wire-errors.js';

/** The errors of a connection, and of calls that it carried. */
export const transportErrors = defineErrors('the client', {
  CLOSED: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the connection was closed',
    cause: 'The connection was closed on this side, since the instance left or the channel was closed, before the call was sent.',
    remedy: "None: the client retries at another instance. If calls fail with it, don't close the channel while they run.",
    effect: 'none',
  },
  UNCONNECTED: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: '{whyTheLastAttemptFailed}',
    cause: 'No connection to the instance could be made. The text is a reason such as connect ECONNREFUSED.',
    remedy: 'Follow the reason; see `rondo ps`.',
    effect: 'none',
  },
  NOT_TAKEN: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the call was not taken ({details})',
    cause: "The connection to the instance ended before the call was sent, or the instance didn't take it.",
    remedy: 'None: the client retries at another instance, or when the connection is back.',
    effect: 'none',
  },
  TOO_MANY_WAIT: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: '{calls} calls wait for this instance already: call it less, or add instances',
    cause: 'More calls wait for the instance than the client holds for one connection.',
    remedy: 'Make fewer calls at once, or add instances; see the guide on running a system.',
    effect: 'none',
  },
  PEER_STOPS: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the server shuts down and did not take the call',
    cause: "The instance is stopping and hasn't started the call.",
    remedy: 'None: the client retries at another instance. If there is no other, start one before you stop this.',
    effect: 'none',
  },
  BROKEN: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the connection broke while the call was in flight ({details})',
    cause: 'The connection to the instance broke while the call was in flight, so that a handler may have run.',
    remedy: 'None for safe and idempotent methods, which the client retries. Otherwise read the state before you repeat the call. The guide on outages has more.',
  },
  SILENT: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the instance is silent, so the call was made elsewhere',
    cause: 'The instance had been silent for half a second, so that a safe call was made at another one. It stands only in the report.',
    remedy: 'None. If it recurs, see why the instance stands still: `rondo top`.',
  },
  RESET: {
    type: TransportError,
    code: 'CANCELLED',
    text: 'the server broke off the call ({details})',
    cause: "The server, or a proxy in between, reset the stream of the call. The code follows from that of the reset, by gRPC's table.",
    remedy: 'Look in the log of the instance. A server that is overloaded, or a proxy with a short timeout, does so.',
  },
  NO_GRPC_SERVER: {
    type: TransportError,
    code: 'UNKNOWN',
    text: 'the peer there is no gRPC server: {contentType} ({details})',
    cause: "Something that isn't a gRPC server answered: a proxy, or a web server at a wrong address. The code follows from the HTTP status.",
    remedy: 'Correct the address, or let the proxy pass on HTTP/2 and gRPC.',
  },

  // The network in memory, which tests use.
  NOTHING_LISTENS: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'nothing listens there',
    cause: 'In a test over the network in memory: no server listens at the address.',
    remedy: 'None, if the test means it. Otherwise serve at that address first.',
    effect: 'none',
  },
  BROKEN_BY_TEST: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'the connection broke while the call was in flight',
    cause: 'In a test over the network in memory: the test broke the connection.',
    remedy: 'None, if the test means it.',
  },
});
