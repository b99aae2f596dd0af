import type { Clock } from '@rondo/base';
import { CallContext } from '../call/call-context.js';
import type { Metadata } from '../call/metadata.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import type { RpcError } from '../status/rpc-error.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import type { CallFrame } from '../transport/tunnel/frames.js';
import type { CallInFlight } from './grpc-call.js';
import type { Connection } from './requests.js';

/** What a call has from its tunnel. */
interface ReceivedFrom {
  readonly path: string;
  readonly connection: Connection;
  readonly received: ReceivedAssertion | undefined;
  readonly clock: Clock;
}

/** A call as it came through a tunnel. */
export class ReceivedCall implements ReceivedWireCall, CallInFlight {
  readonly id: number;
  readonly path: string;
  readonly responseStream = false;
  readonly metadata: Metadata;
  readonly deadline: number | undefined;
  readonly context = new CallContext();
  readonly request: { readonly stream: false; readonly message: Uint8Array };
  readonly peer: string;
  readonly identity: string | undefined;
  readonly received: ReceivedAssertion | undefined;
  readonly previousAttempts: number | undefined;
  /** Its place among the calls in flight. */
  slot = -1;
  readonly endless = false;
  /** The header that the handler has sent. In a tunnel it travels with the reply. */
  header: Metadata | undefined;
  /** Takes it out of the calls in flight. */
  end: () => void = () => undefined;

  constructor({ id, timeoutMs, previousAttempts, metadata, message }: CallFrame, from: ReceivedFrom) {
    const { path, connection, received, clock } = from;
    this.id = id;
    this.path = path;
    this.metadata = metadata;
    this.previousAttempts = previousAttempts;
    this.deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
    this.request = { stream: false, message };
    this.peer = connection.address;
    this.identity = connection.client?.identity;
    this.received = received;
  }

  sendHeader(header: Metadata): void {
    header.checkSendable();
    this.header ??= header.clone();
  }

  abort(reason: RpcError): void {
    this.context.end(reason);
  }
}
