export type { CallFault, CallMatch } from './call-faults.js';
export type { Route } from './conditions.js';
export type { FaultListener } from './listener.js';
export {
  createFaultNetwork,
  type End,
  type FaultNetwork,
  type FaultNetworkOptions,
  type FaultNode,
} from './network.js';
export {
  type CarryOutOptions,
  carryOut,
  describeFault,
  draw,
  type Fault,
  type PlannedFault,
  type PlanOptions,
  planFaults,
} from './plan.js';
export { fromSeed, type ReplayOptions } from './replay.js';
