/**
 * Real processes for journeys, outages and benchmarks: a program, a service, or the whole system, each on ports and data of
 * its own. Whatever is started here ends with the process that started it. The database server is in `@rondo/harness/postgres`.
 */

export { etcdMissing, startEtcd } from '../etcd.js';
export { exitOnSignals, isAlive } from '../kill.js';
export { freeBase, freePort } from '../ports.js';
export { type Ended, type RunningProcess, root, runNode, start } from '../process.js';
export { type ServiceProcess, startRegistry, startService } from '../service.js';
export { type System, startSystem } from '../system.js';
export { cpuMs, machineCpuMs, memoryMiB, waitedMs } from '../usage.js';
export { eventually, until } from '../wait.js';
export { answerParent, startWorker } from '../worker.js';
