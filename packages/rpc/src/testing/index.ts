export { staticResolver } from '../resolver/index.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from '../transport/index.js';
export { failureOf } from './failure-of.js';
export type { FaultListener } from './faults/listener.js';
export {
  createFaultNetwork,
  type End,
  type FaultNetwork,
  type FaultNetworkOptions,
  type FaultNode,
} from './faults/network.js';
export type { CallFault, CallMatch, Route } from './faults/network-state.js';
export {
  type CarryOutOptions,
  carryOut,
  describeFault,
  draw,
  type Fault,
  fromSeed,
  type PlannedFault,
  type PlanOptions,
  planFaults,
  type ReplayOptions,
} from './faults/plan.js';
export { ManualClock, SettableWallClock } from './manual-clock.js';
export { seededRandom } from './seeded-random.js';
export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy/tcp-proxy.js';
export { createTestChannel, standIn, type TestChannelOptions } from './test-channel.js';
