/**
 * Tests of services and clients: channels and networks inside one process, and clocks and chance that a test controls.
 *
 * ```ts
 * import { createClient } from '@rondo/rpc/client';
 * import { createTestChannel, ManualClock, startParts, stopParts } from '@rondo/rpc/testing';
 *
 * const clock = new ManualClock();
 * const app = createApp({ clock });
 * await startParts(app);
 * const channel = createTestChannel({ ...app, clock });
 * const client = createClient(PricesServiceDefinition, { channel });
 * await clock.advance(60_000); // a minute passes at once
 * channel.close();
 * await stopParts(app);
 * ```
 */

export { ManualClock, SettableWallClock, seededRandom } from '@rondo/base/testing';
export { stopParts } from '../part/part.js';
export { failureOf } from '../testing/failure-of.js';
export { createFaultNetwork } from '../testing/faults/network.js';
export { startParts } from '../testing/start-parts.js';
export { createTestChannel, standIn } from '../testing/test-channel.js';
export { untilAnswered } from '../testing/until-answered.js';
export { createMemoryNetwork } from '../transport/memory/network.js';
