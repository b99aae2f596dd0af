import { whyOthers } from '@rondo/operate/page';
import { share } from '../ui/text.js';
import type { Caller, Instance } from './watch.js';

/** Why a caller picks an instance, or doesn't, in words for a newcomer. `from` is the caller; undefined if it isn't known. */
export function whyPicked(
  { held = '', leftOut, ...caller }: Caller,
  { zone = '' }: Instance,
  from: Instance | undefined,
): string {
  const { ramp = 0, figures, serviceCallsPerSecond: serviceCalls = 0, policy = '' } = caller;
  if (leftOut)
    return `Left out by this caller alone: ${held}. A trial call goes there now and then; when one succeeds, the others follow.`;
  if (held !== '') return `Not picked: ${held}.`;
  if (ramp < 1) return `Warming up: it is new to this caller, and gets ${share(ramp)} of its full share by now.`;
  if (figures === undefined) return 'Can be picked. Its calls are being counted …';
  const { callsPerSecond = 0 } = figures;
  if (callsPerSecond > 0) return `Picked, for ${share(callsPerSecond / serviceCalls)} of this caller’s calls.`;
  if (serviceCalls === 0) return 'Can be picked, but this caller makes no calls now.';
  return `Can be picked, but got none of the last calls: ${whyOthers(policy, zone, from?.zone ?? '') ?? 'others were chosen'}.`;
}
