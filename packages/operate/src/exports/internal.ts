/**
 * What an operator sees and does in a running system, each once: `rondo` and the console are surfaces over it. It calls the instances and
 * the registry by a {@link Reach}, which a channel is.
 */

export { cordonAll, requireOthers, uncordonAll } from '../cordon.js';
export { Counters, type Sample, unsampled } from '../counters.js';
export { awaitIdle } from '../drain.js';
export { reasonOf } from '../errors.js';
export { createFleet } from '../fleet.js';
export type { MethodFlow } from '../flow.js';
export { collect, createGatherer, type Gatherer, type Reach } from '../gather.js';
export { withInstance } from '../instance.js';
export { addressOf, effectiveStatus, enumName, isCordoned, isPicked, statusOf } from '../instance-view.js';
export {
  askLauncher,
  isRestartable,
  LauncherError,
  type LauncherProcess,
  type LauncherRequest,
  type LauncherRow,
  restartInstance,
} from '../launcher.js';
export {
  listInstances,
  type RegistryConnection,
  reach,
  readSnapshot,
  registryOver,
  type Snapshot,
} from '../registry.js';
export { findUnfinished, resolveTransaction, retrySaga } from '../resolve.js';
export { askRegistry, setWeight, watchSettings } from '../settings.js';
export { sumUp } from '../sums.js';
export { findTrace, listTraces, readLogs, splitSilent, watchTraces } from '../traces.js';
export { joinTransactions, type Unfinished } from '../transactions.js';
export { listRuns, readWork, resolveWork } from '../work.js';
