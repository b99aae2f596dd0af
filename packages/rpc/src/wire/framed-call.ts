import type { Timer } from '@rondo/base';
import type { Payload } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import type { RpcError } from '../status/rpc-error.js';
import type { CallFrame } from '../transport/frames/frames.js';
import type { Outgoing } from '../transport/frames/outbox.js';
import type { ReceivedMessages } from '../transport/frames/received-messages.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import type { CallInFlight } from './grpc-call.js';
import type { Connection } from './requests.js';

/** What a call has from its connection. */
interface ReceivedFrom {
  readonly path: string;
  /** Undefined if it isn't served. */
  readonly method: Method | undefined;
  readonly connection: Pick<Connection, 'address' | 'client'>;
  readonly received: ReceivedAssertion | undefined;
  readonly now: number;
  /** Sends its header at once. */
  readonly sendHeader: (call: FramedCall, header: Metadata) => void;
}

/** A call as it came in frames. */
export class FramedCall implements ReceivedWireCall, CallInFlight {
  readonly id: number;
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata: Metadata;
  readonly deadline: number | undefined;
  readonly context = new CallContext();
  readonly peer: string;
  readonly identity: string | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly previousAttempts: number | undefined;
  /** Whether only its caller, or an abort, can end it. */
  readonly endless: boolean;
  /** What the contract allows it. Milliseconds. */
  readonly allowedMs: number;
  /** The length of its request, if it came in the first frame. Bytes. */
  readonly requestBytes: number;
  request: Payload<Uint8Array>;
  /** Its place among the calls in flight. */
  slot = -1;
  /** The requests that come in messages. */
  requests: ReceivedMessages | undefined;
  /** The memory of a request that hasn't come whole. Bytes. */
  heldBytes = 0;
  /** Until its request has come. */
  receiving: Timer | undefined;
  /** Its replies, if they don't stand in its last frame. */
  outgoing: Outgoing | undefined;
  headerSent = false;
  /** Whether it has got its end. */
  ended = false;
  /** Takes it out of the calls in flight. */
  end: () => void = () => undefined;
  readonly #sendHeader: ReceivedFrom['sendHeader'];

  constructor({ id, timeoutMs, previousAttempts, metadata, message = NO_BYTES }: CallFrame, from: ReceivedFrom) {
    const { path, method, connection, received, now, sendHeader } = from;
    this.id = id;
    this.path = path;
    this.responseStream = method?.responseStream ?? false;
    this.metadata = metadata;
    this.previousAttempts = previousAttempts;
    this.deadline = timeoutMs === undefined ? undefined : now + timeoutMs;
    this.allowedMs = method?.policy.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.endless = this.responseStream && timeoutMs === undefined && this.allowedMs === Number.POSITIVE_INFINITY;
    this.requestBytes = message.length;
    this.request = { stream: false, message };
    this.peer = connection.address;
    this.identity = connection.client?.identity;
    this.received = received;
    this.#sendHeader = sendHeader;
  }

  sendHeader(header: Metadata): void {
    this.#sendHeader(this, header);
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }
}

const NO_BYTES = Buffer.alloc(0);
