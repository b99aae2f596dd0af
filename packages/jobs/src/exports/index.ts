/**
 * Jobs: calls of a service's own methods that are stored in a transaction and made later, each until it succeeds, and calls by a schedule.
 * What a method's contract says in `(rondo.options.v1.method).job` decides how.
 *
 * ```ts
 * import { createJobs, jobsSchema } from '@rondo/jobs'; // jobsSchema is a part of the service's readiness
 *
 * const jobs = createJobs({ database, services: [ReminderServiceDefinition], channel, log });
 * await database.transaction(async (transaction) => {
 *   const { remindOwner } = ReminderServiceDefinition.methods;
 *   await jobs.enqueue(transaction, remindOwner, { request: { name: 'quotes/7' }, key: 'quotes/7', at: tomorrow });
 * });
 * ```
 */

export { createJobs, type EnqueuedJob, type Jobs, type JobsOptions } from '../jobs.js';
export { jobsSchema } from '../schema.js';
