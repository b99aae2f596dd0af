import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { type Asker, type AskOptions, changesOf, type Questions } from './questions.js';

const MAX_JOBS = 100;

/** Tells the jobs of each instance that has some when they change. */
export async function* watchJobs(clock: Clock, questions: Questions, asker: Asker) {
  async function* ask(channel: Channel, options: AskOptions, { instanceId }: Endpoint) {
    const client = createClient(JobServiceDefinition, { channel });
    yield* changesOf({ clock, signal: options.signal }, async () => {
      const { methods, jobs } = await client.listJobs({}, options);
      return { instanceId, methods, jobs: jobs.slice(0, MAX_JOBS) };
    });
  }
  const fits = ({ services = [] }: Endpoint) => services.includes(JobServiceDefinition.fullName);
  yield* questions.ask({ ask, fits, follows: true }, asker);
}
