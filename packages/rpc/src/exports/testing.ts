/**
 * Tests of services and clients: channels and networks inside one process, and clocks and chance that a test controls.
 *
 * ```ts
 * import { createClient } from '@rondo/rpc/client';
 * import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
 *
 * const clock = new ManualClock();
 * const channel = createTestChannel({ services: createApp({ clock }).services, clock });
 * const client = createClient(PricesServiceDefinition, { channel });
 * await clock.advance(60_000); // a minute passes at once
 * ```
 */

export { ManualClock, SettableWallClock, seededRandom } from '@rondo/base/testing';
export { failureOf } from '../testing/failure-of.js';
export { createFaultNetwork } from '../testing/faults/network.js';
export { createTestChannel, standIn } from '../testing/test-channel.js';
export { untilAnswered } from '../testing/until-answered.js';
export { createMemoryNetwork } from '../transport/memory/network.js';
