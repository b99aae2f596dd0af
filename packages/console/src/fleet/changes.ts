import { consoleService } from '../calls/use-stream.js';
import type { Change } from '../ui/change.js';
import type { Instance } from './watch.js';

/** Takes an instance out, or back in. */
export function cordonOf({ id: instanceId, state }: Instance): Change {
  const cordoned = state !== 'cordoned';
  const field = { label: 'Why, for other operators', maxLength: 256 };
  const act = (reason: string) =>
    consoleService.call('setCordon', { instanceId, cordoned, reason: reason || 'by the console' });
  if (!cordoned) {
    const text = 'Clients send it calls again, as soon as it says that it serves.';
    return { verb: 'Uncordon', what: instanceId, text, act };
  }
  const text =
    'All clients stop to send it new calls within a second or two; it finishes those that it has, and goes on running. It stays cordoned through restarts, until you uncordon it.';
  return { verb: 'Drain', what: instanceId, text, field, act };
}

/** Changes the weight of an instance. */
export const weightOf = ({ id: instanceId, weight = 100 }: Instance): Change => ({
  verb: 'Weight',
  what: instanceId,
  title: `Weight of ${instanceId}`,
  action: 'Set it',
  field: { label: 'Weight', inputMode: 'numeric', value: String(weight) },
  text: 'Clients send it calls in proportion to its weight, from 1 to 1,000, relative to that of its peers. Round robin doesn’t weigh. The setting weights keeps it through restarts. Empty takes it back: then the instance has the weight with which it started.',
  async act(wanted) {
    if (!/^(?:[1-9]\d{0,3})?$/.test(wanted))
      throw new Error('a weight is a whole number from 1 to 1,000; leave it empty to take it back');
    await consoleService.call('setWeight', { instanceId, weight: Number(wanted) });
  },
});

/** As the contract says. */
const RESTART_TIMEOUT_MS = 60_000;

/** Restarts an instance. */
export const restartOf = ({ id: instanceId }: Instance): Change => ({
  verb: 'Restart',
  what: instanceId,
  text: 'A new process is started first, then this one is drained, so that no call fails. If the new one doesn’t start, this one goes on.',
  act: () => consoleService.call('restartInstance', { instanceId }, RESTART_TIMEOUT_MS),
});
