import type { Channel } from '../channel.js';
import type { ClientCall } from '../client-call.js';

/** Waits `delayMs`, or until the call ends or the channel is closed. */
export function wait(delayMs: number, { limit, method }: ClientCall, channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      unlisten();
      limit.offEnd(end);
      resolve();
    };
    const timer = channel.clock.setTimer(delayMs, end);
    const unlisten = channel.fleet(method).onChange(() => {
      if (channel.closed) end();
    });
    limit.onEnd(end);
  });
}
