import type { Reply } from '../../call/call.js';
import type { Clock } from '../../clock/clock.js';
import type { WireCall } from '../transport.js';
import { TunnelClient, type TunnelClientOptions } from './tunnel-client.js';

/** A tunnel that ended is opened again after this. Milliseconds. */
const PAUSE_MS = 1_000;

/** What {@link TunnelLane} is made from. */
interface LaneOptions {
  readonly clock: Clock;
  /** What a tunnel over the present connection is made from. */
  readonly connection: () => Omit<TunnelClientOptions, 'onClose'>;
  /** Runs when a tunnel is opened. */
  readonly onOpen: () => void;
}

/** Takes the calls of a connection that can go through a tunnel. The first one opens it. */
export class TunnelLane {
  readonly #options: LaneOptions;
  #tunnel: TunnelClient | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Carries a call; undefined if it goes by gRPC. */
  carry(wire: WireCall): Promise<Reply<Uint8Array>> | undefined {
    const { request, responseStream, background, compression, plain } = wire;
    if (responseStream || request.stream || plain === true) return undefined;
    if (background === true || compression === 'gzip') return undefined;
    const tunnel = this.#tunnel;
    if (tunnel === undefined) {
      this.#openSoon();
      return undefined;
    }
    return tunnel.takes(request.message.length) ? tunnel.call(wire, request.message) : undefined;
  }

  /** The connection has ended, or ends: calls in flight go on where they can. */
  close(): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    tunnel?.close();
  }

  #openSoon(): void {
    const { clock, connection, onOpen } = this.#options;
    if (clock.now() < this.#notBefore) return;
    const tunnel = new TunnelClient({
      ...connection(),
      onClose: (refused) => {
        if (this.#tunnel !== tunnel) return;
        this.#tunnel = undefined;
        this.#notBefore = refused ? Number.POSITIVE_INFINITY : clock.now() + PAUSE_MS;
      },
    });
    this.#tunnel = tunnel;
    onOpen();
  }
}
