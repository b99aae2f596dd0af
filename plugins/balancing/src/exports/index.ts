/**
 * The policies that a channel doesn't have by itself: `ring_hash`, `zone_aware`, subsets, hedges, circuit breakers and bulkheads.
 * Contracts and settings name them; docs/guides/balancing.md and docs/guides/failures.md describe them.
 *
 * ```ts
 * import { balancing } from '@rondo/balancing';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [balancing] });
 * ```
 *
 * A channel of your own takes them as an option: `createChannel({ resolver, policies: balancing })`.
 *
 * @packageDocumentation
 */

import type { ChannelPolicies } from '@rondo/rpc/client';
import { weightedRoundRobin } from '@rondo/rpc/internal';
import { openGuards } from '../guards.js';
import { openSubsets } from '../position.js';
import { ringHash } from '../ring-hash.js';
import { zoneAware } from '../zone-aware.js';

/** All policies of the plugin. */
export const balancing: ChannelPolicies = {
  kind: 'policies',
  package: '@rondo/balancing',
  balancing: {
    ring_hash: ({ random, hashBalanceFactor }) => ringHash(random, hashBalanceFactor),
    zone_aware: ({ random, zone }) => zoneAware({ zone, random, inner: () => weightedRoundRobin(random, 'static') }),
  },
  openSubsets,
  openGuards,
};
