export { staticResolver } from '../resolver/index.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from '../transport/index.js';
export {
  type CallFault,
  type CallMatch,
  type CarryOutOptions,
  carryOut,
  createFaultNetwork,
  describeFault,
  draw,
  type End,
  type Fault,
  type FaultListener,
  type FaultNetwork,
  type FaultNetworkOptions,
  type FaultNode,
  fromSeed,
  type PlannedFault,
  type PlanOptions,
  planFaults,
  type ReplayOptions,
  type Route,
} from './faults/index.js';
export { ManualClock } from './manual-clock.js';
export { seededRandom } from './seeded-random.js';
export { SettableWallClock } from './settable-wall-clock.js';
export { standIn } from './stand-in.js';
export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy/index.js';
export { createTestChannel, type TestChannelOptions } from './test-channel.js';
