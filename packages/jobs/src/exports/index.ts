/**
 * Jobs: calls of a service's own methods that are stored in a transaction and made later, each until it succeeds, and calls by a schedule.
 * What a method's contract says in `(rondo.options.v1.method).job` decides how.
 *
 * ```ts
 * import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
 * import { createPool } from '@rondo/database';
 * import { createJobs } from '@rondo/jobs'; // jobsSchema of it is a part of the service's readiness
 * import { silentLogger } from '@rondo/rpc/call';
 * import { createRegistryChannel } from '@rondo/rpc/client';
 *
 * const database = createPool({ url: 'postgres://home:secret@127.0.0.1:5432/home' });
 * const channel = createRegistryChannel({ registry: ['127.0.0.1:50050'] });
 * const jobs = createJobs({ database, services: [ChoreServiceDefinition], channel, log: silentLogger });
 * const { doChore } = ChoreServiceDefinition.methods;
 * await database.transaction((transaction) =>
 *   jobs.enqueue(transaction, doChore, { request: { chore: 'windows' }, key: 'windows', at: new Date('2030-01-01') }),
 * );
 * ```
 */

export { createJobs, type Jobs } from '../jobs.js';
export { days, hours, minutes, type Run, RunFailed, type Workflow, workflow } from '../runs/workflow.js';
export { jobsSchema } from '../schema.js';
