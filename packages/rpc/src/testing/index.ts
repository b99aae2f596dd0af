export { staticResolver } from '../resolver/index.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from '../transport/index.js';
export { ManualClock } from './manual-clock.js';
export { seededRandom } from './seeded-random.js';
export { createTestChannel } from './test-channel.js';
