import { whyOthers } from '@rondo/operate/page';
import { share } from '../ui/text.js';
import type { Caller, Fleet, Instance } from './watch.js';

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

/** What the states mean for callers. */
const STATES: Readonly<Record<string, string>> = {
  starting: 'It isn’t ready yet: no caller picks it.',
  draining: 'It finishes its calls, and then ends: no caller picks it.',
  cordoned: 'An operator has taken it out: no caller picks it until it is uncordoned.',
  lost: 'Its lease ran out: the process has stopped, hangs, or doesn’t reach the registry. No caller picks it.',
};

/** With fewer calls a second for each instance, that one of them gets none may be chance. */
const LEAST_CALLS = 5;

/** Why instances aren't picked, by id, as far as the fleet shows it. An instance that is picked, or has no calls to get, is missing. */
export function notPicked({ instances, edges }: Fleet): ReadonlyMap<string, string> {
  const leftOut = new Map(
    edges.flatMap(({ caller, leftOut: some = [] }) =>
      some.map(({ instanceId = '', reason }) => [instanceId, `${caller} leaves it out: ${reason}`] as const),
    ),
  );
  const groups = Map.groupBy(instances, ({ name }) => name).values();
  const isIdle = (one: Instance) => one.state === 'serving' && one.load?.callsPerSecond === 0;
  const idle = [...groups].flatMap((group) => {
    const calls = group.reduce((sum, { load }) => sum + (load?.callsPerSecond ?? 0), 0);
    return calls < LEAST_CALLS * group.length ? [] : group.filter(isIdle);
  });
  const out = instances.filter(({ state }) => state in STATES);
  return new Map([
    ...idle.map(
      ({ id }) => [id, 'It gets no calls, though others of its kind do: its callers below say why.'] as const,
    ),
    ...leftOut,
    ...out.map(({ id, state, cordonReason = '' }) => {
      const reason = cordonReason === '' ? '' : ` Its reason: ${cordonReason}`;
      return [id, `${STATES[state]}${reason}`] as const;
    }),
  ]);
}
