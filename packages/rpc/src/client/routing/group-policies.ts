import type { BalancingPolicy } from '../../balancer/picker.js';
import type { Member } from '../member/member.js';
import { groupOf, STABLE, versionGroup } from './traffic-groups.js';

/** The policies of a client, one for each group of instances: what one carries on is about its own group's calls. */
export class GroupPolicies {
  readonly #create: () => BalancingPolicy;
  readonly #policies = new Map<string, BalancingPolicy>();

  constructor(create: () => BalancingPolicy) {
    this.#create = create;
  }

  /** That of `group`, made where it is first asked for. */
  of(group: string): BalancingPolicy {
    const present = this.#policies.get(group);
    if (present !== undefined) return present;
    const policy = this.#create();
    this.#policies.set(group, policy);
    return policy;
  }

  /** Forgets those of groups that no instance is in any more. */
  keep(members: readonly Pick<Member, 'endpoint'>[]): void {
    const first = this.#policies.keys().next();
    if (first.done || (this.#policies.size === 1 && first.value === STABLE)) return;
    const present = new Set(members.flatMap(({ endpoint }) => [groupOf(endpoint), versionGroup(endpoint.version)]));
    for (const group of this.#policies.keys()) {
      if (group !== STABLE && !present.has(group)) this.#policies.delete(group);
    }
  }
}
