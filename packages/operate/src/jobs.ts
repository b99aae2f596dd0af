import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { type Asker, type AskOptions, changesOf, type Gatherer } from './gather.js';

const MAX_LISTED = 100;

/** Tells what each instance with a contract has, when it changes. */
const watch = <T>(serving: string, readerOf: (channel: Channel) => (options: AskOptions) => Promise<T>) =>
  async function* (clock: Clock, gatherer: Gatherer, asker: Asker) {
    async function* ask(channel: Channel, options: AskOptions, { instanceId }: Endpoint) {
      const read = readerOf(channel);
      yield* changesOf({ clock, signal: options.signal }, async () => ({ instanceId, ...(await read(options)) }));
    }
    const fits = ({ services = [] }: Endpoint) => services.includes(serving);
    yield* gatherer.ask({ ask, fits, follows: true }, asker);
  };

/** Tells the jobs of each instance that has some when they change. */
export const watchJobs = watch(JobServiceDefinition.fullName, (channel) => {
  const client = createClient(JobServiceDefinition, { channel });
  return async (options) => {
    const { methods, jobs } = await client.listJobs({}, options);
    return { methods, jobs: jobs.slice(0, MAX_LISTED) };
  };
});

/** Tells the groups of each instance that publishes, and what they couldn't take, when they change. */
export const watchEvents = watch(EventServiceDefinition.fullName, (channel) => {
  const client = createClient(EventServiceDefinition, { channel });
  return async (options) => {
    const { events, ...told } = await client.listGroups({}, options);
    return { ...told, events: events.slice(0, MAX_LISTED) };
  };
});
