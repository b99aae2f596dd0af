import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import type { WireCall } from '../transport.js';
import { MAX_TUNNELLED_LENGTH } from '../tunnel/assertions.js';
import { hasRoomForFrames } from '../tunnel/frames.js';
import { DEFAULT_MAX_REPLY_BYTES, type GrpcTransportOptions } from './options.js';
import { TunnelClient, type TunnelClientOptions } from './tunnel-client.js';

/** A tunnel that ended is opened again after this. Milliseconds. */
const PAUSE_MS = 1_000;

/** What a tunnel lane needs of its connection. */
interface LaneOptions extends Pick<TunnelClientOptions, 'connected' | 'active'> {
  readonly clock: Clock;
  /** The present channel of the connection. */
  readonly channel: () => grpc.Channel;
  /** Runs when a tunnel is opened. */
  readonly onOpen: () => void;
}

/** Creates the tunnel lane of a connection with these settings; undefined if it has no tunnels. */
export function createTunnelLane(
  { tunnel, compression, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES }: GrpcTransportOptions,
  options: LaneOptions,
): TunnelLane | undefined {
  if (tunnel !== true || compression === 'gzip' || !hasRoomForFrames(maxReplyBytes)) return undefined;
  return new TunnelLane(options, maxReplyBytes);
}

/** Takes the calls of a connection that can go through a tunnel. The first one opens it. */
export class TunnelLane {
  readonly #options: LaneOptions;
  readonly #maxReplyBytes: number;
  #tunnel: TunnelClient | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(options: LaneOptions, maxReplyBytes: number) {
    this.#options = options;
    this.#maxReplyBytes = maxReplyBytes;
  }

  /** Carries a call; undefined if it goes by gRPC. */
  carry(wire: WireCall): Promise<Reply<Uint8Array>> | undefined {
    const { request, responseStream, background, compression, plain, assertion } = wire;
    if (responseStream || request.stream || plain === true) return undefined;
    if (background === true || compression === 'gzip') return undefined;
    if (assertion !== undefined && assertion.length > MAX_TUNNELLED_LENGTH) return undefined;
    const tunnel = this.#tunnel;
    if (tunnel === undefined) {
      this.#open();
      return undefined;
    }
    return tunnel.takes(wire.path, request.message.length) ? tunnel.call(wire, request.message) : undefined;
  }

  /** Fails the calls of `contexts`: they are made elsewhere. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#tunnel?.abandon(contexts);
  }

  /** The connection ends. Calls in flight go on where they can. */
  close(): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    tunnel?.close();
  }

  #open(): void {
    const { clock, channel, onOpen, ...ofConnection } = this.#options;
    if (clock.now() < this.#notBefore) return;
    const tunnel = new TunnelClient({
      ...ofConnection,
      channel: channel(),
      clock,
      maxReplyBytes: this.#maxReplyBytes,
      onClose: (useless) => {
        if (this.#tunnel !== tunnel) return;
        this.#tunnel = undefined;
        this.#notBefore = useless ? Number.POSITIVE_INFINITY : clock.now() + PAUSE_MS;
      },
    });
    this.#tunnel = tunnel;
    onOpen();
  }
}
