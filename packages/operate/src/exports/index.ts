/**
 * What an operator sees and does in a running system, each once: `rondo` and the console are surfaces over it. It calls the instances and
 * the registry by a {@link Reach}, which a channel is.
 */

export { type CordonResult, cordonAll, uncordonAll } from '../cordon.js';
export { awaitIdle, type Drained } from '../drain.js';
export { operateErrors, reasonOf } from '../errors.js';
export { createFleet, type Fleet } from '../fleet.js';
export { busyBetween, flowsBetween, type MethodFlow } from '../flow.js';
export { type Asker, collect, createGatherer, type Gatherer, type Reach } from '../gather.js';
export { type InstanceOptions, withInstance } from '../instance.js';
export {
  addressOf,
  effectiveStatus,
  isCordoned,
  isPicked,
  statusOf,
  viewInstance,
} from '../instance-view.js';
export { watchEvents, watchJobs } from '../jobs.js';
export { readLogs } from '../logs.js';
export {
  type InstanceListing,
  listInstances,
  type OperatorStates,
  type RegistryConnection,
  reach,
  readSnapshot,
  registryOver,
  type Snapshot,
} from '../registry.js';
export { findUnfinished, type Resolved, resolveTransaction, retrySaga, type Wanted } from '../resolve.js';
export { isRestartable, type RestartOptions, restartInstance } from '../restart.js';
export { askRegistry, setWeight, watchSettings } from '../settings.js';
export { Availability, answeredShare, arrivals, chanceAllFail, type Figures, sumUp } from '../sums.js';
export { findTrace, listTraces, splitSilent, watchTraces } from '../traces.js';
export {
  gatherTransactions,
  joinTransactions,
  type KnownSaga,
  type KnownTransaction,
  type Unfinished,
} from '../transactions.js';
