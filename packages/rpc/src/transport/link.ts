import type { Clock, Random } from '@rondo/base';
import type { CallContext } from '../call/call-context.js';
import type { GrpcTransportOptions } from './grpc/options.js';
import type { WireCall, WireHandler } from './transport.js';

/** A connection that was made, until it ends. */
export interface Link {
  readonly call: WireHandler;
  /** Whether it carries calls like this one. Others need a connection of their own. */
  carries(wire: WireCall): boolean;
  /** Resolves, with the reason, when it takes no more calls: its server stops, or it has broken. It never rejects. */
  readonly ended: Promise<Error>;
  /** Resolves when its socket has closed, and with it the last call. */
  readonly closed: Promise<void>;
  /** Fails the unary calls in flight whose context is among `contexts`: they are made elsewhere. */
  abandon(contexts: ReadonlySet<CallContext>): void;
  /** Takes no more calls, and closes the socket once no caller waits for one. Background calls end with it. */
  close(): void;
}

/** What a link is made with. */
export interface LinkOptions extends GrpcTransportOptions {
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether it is the connection, by gRPC, of compressed requests: grpc-js announces gzip on every call of a connection. */
  readonly compressed?: boolean | undefined;
  /** Ends the attempt to connect; its reason is that of the failure. */
  readonly signal: AbortSignal;
  /** Runs when the peer begins to count as silent, and when it is heard again. */
  readonly onSilence: (silent: boolean) => void;
  /** Runs when the connection bears few more resets, or none for now: another one should take its place. */
  readonly onScarceResets: () => void;
}

/** A peer that takes no frames: an old process, a proxy, a mesh. */
export class ForeignPeer extends Error {
  /** Whether it ended the connection without a word: a process that stops does so, too. */
  readonly silent: boolean;

  constructor(reason: string, { silent }: { readonly silent: boolean }) {
    super(reason);
    this.silent = silent;
  }
}
