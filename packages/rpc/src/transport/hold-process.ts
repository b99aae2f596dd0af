import type { Clock, Timer } from '@rondo/base';
import type { WireCall } from './transport.js';

/** Keeps the process alive during a call. A deadline's timer does that; a call without one needs a timer for it. */
export function holdProcess({ context, deadline, background }: WireCall, clock: Clock): Timer | undefined {
  if (deadline !== undefined || context.endsAt !== undefined || background === true) return undefined;
  return clock.setTimer(Number.POSITIVE_INFINITY, () => undefined);
}
