import type { Logger } from '@rondo/rpc/call';
import type { ExpiryGuardOptions } from '../domain/expiry-guard.js';

/** Has a guard say in the log when it holds expiry back, and when it no longer does: one line each. */
export function logGuard(log: Logger): ExpiryGuardOptions {
  return {
    onBegin({ lapsed, size }) {
      const remedy = 'look at the network between them and the registry';
      const message = `${lapsed} of ${size} leases ran out inside one TTL: expiry is held back for up to three; ${remedy}`;
      log.error({ lapsed, size }, message);
    },
    onEnd({ held, back, expired }) {
      const message = `expiry is no longer held back: of ${held} instances ${back} are heard of again, ${expired} expired`;
      log.info({ held, back, expired }, message);
    },
  };
}
