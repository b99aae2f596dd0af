/** What `rondo dev` says of a change, on one line. */
import { colored } from '../steps.mjs';

/**
 * @param {{ changed: string[], outcome: import('./reconcile.mjs').Outcome, faults: number, startedAt: number }} round
 *   `faults` counts those of the tools.
 */
export function describeRound({ changed, outcome: { restarted, started, stopped, failed }, faults, startedAt }) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const done = [
    ...said('restarted', restarted),
    ...said('started', started),
    ...said('stopped', stopped),
    ...(faults === 0 ? [] : [`${faults} ${faults === 1 ? 'fault' : 'faults'}: what has one goes on as it was`]),
    ...(failed.length === 0 ? [] : [`${failed.length} can't be started`]),
  ];
  const mark = faults + failed.length === 0 ? colored('green', 'ok    ') : colored('red', 'FAILED');
  return `${mark}  ${describeFiles(changed)} → ${done.join('; ') || 'nothing to restart'} (${seconds} s)`;
}

const said = (what, services) => (services.length === 0 ? [] : [`${what} ${services.join(', ')}`]);

function describeFiles([first, ...others]) {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
