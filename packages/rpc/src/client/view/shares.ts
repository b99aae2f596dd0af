import { nominalShares } from '../../balancer/nominal-shares.js';
import type { Balancing } from '../../contract/index.js';
import { groupBy } from '../group-by.js';
import type { Target } from '../member/target.js';
import { groupOf, portionsOf } from '../routing/traffic-groups.js';

/** By target; those that get nothing aren't in it, and undefined is the share of those for whom weights don't decide. */
export type Shares = ReadonlyMap<Target, number | undefined>;

/**
 * The share of one method's next calls, 0 to 1, that their weights give to targets that take some, where the calls ask
 * for no version: canaries have their percent of it, the others the rest.
 */
export function sharesAmong(willing: readonly Target[], balancing: Balancing): Shares {
  const groups = groupBy(willing, ({ endpoint }) => groupOf(endpoint));
  const portions = portionsOf(groups);
  const shares = new Map<Target, number | undefined>();
  for (const [name, targets] of groups) {
    const portion = portions.get(name) ?? 0;
    const given = nominalShares(targets, balancing);
    for (const [index, target] of targets.entries()) {
      const share = portion === 0 ? 0 : given?.[index];
      shares.set(target, share === undefined ? undefined : share * portion);
    }
  }
  return shares;
}
