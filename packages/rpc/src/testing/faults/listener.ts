import { type Clock, sleep, type Timer } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import { observeReply } from '../../middleware/stream.js';
import { Status } from '../../status/code.js';
import { TransportError } from '../../status/wire-errors.js';
import type { MemoryListener, MemoryNetwork } from '../../transport/memory/network.js';
import type { WireHandler } from '../../transport/transport.js';

/** A listener in a fault network. */
export interface FaultListener extends MemoryListener {
  /**
   * Stops accepting calls and connections. Resolves when the calls in flight have ended; after `graceMs` they are
   * broken off.
   */
  drain(graceMs: number): Promise<void>;
}

export interface ListenerOptions {
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  readonly address: string;
  readonly handler: { readonly handle: WireHandler };
  /** Runs when it accepts no more connections. */
  readonly onStop: () => void;
}

/** Listens at an address. */
export function createListener({ network, clock, address, handler, onStop }: ListenerOptions): FaultListener {
  let inFlight = 0;
  let draining = false;
  let onIdle = () => {};
  const end = () => {
    inFlight -= 1;
    if (inFlight === 0) onIdle();
  };
  async function handle(wire: Parameters<WireHandler>[0]): Promise<Reply<Uint8Array>> {
    if (draining) throw new TransportError(Status.UNAVAILABLE, 'the server is going away', { reach: 'never' });
    inFlight += 1;
    try {
      return observeReply(await handler.handle(wire), { end });
    } catch (error) {
      end();
      throw error;
    }
  }
  const listener = network.listen(address, { handle });
  const close = () => {
    draining = true;
    onStop();
    listener.close();
  };
  return {
    close,
    async drain(graceMs) {
      draining = true;
      onStop();
      let timer: Timer | undefined;
      if (inFlight > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve;
          timer = clock.setTimer(graceMs, resolve);
        });
      }
      timer?.cancel();
      // The last answers are sent first.
      await sleep(clock, 0);
      close();
    },
  };
}
