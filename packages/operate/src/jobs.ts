import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createClient, type Endpoint } from '@rondo/rpc/client';
import { operationService } from '@rondo/rpc/internal';
import type { Asker, Gatherer } from './gather.js';

const MAX_LISTED = 100;

/** Which instances serve a contract. */
export const serves =
  ({ fullName }: { readonly fullName: string }) =>
  ({ services = [] }: Endpoint): boolean =>
    services.includes(fullName);

/** Yields the jobs of each instance that has some, when they change. */
export const watchJobs = (gatherer: Gatherer, asker: Asker) =>
  gatherer.ask(
    {
      ...{ follows: true, fits: serves(JobServiceDefinition) },
      async read(channel, options, { instanceId }) {
        const { methods, jobs } = await createClient(JobServiceDefinition, { channel }).listJobs({}, options);
        return { instanceId, methods, jobs: jobs.slice(0, MAX_LISTED) };
      },
    },
    asker,
  );

/** Yields the groups of each instance that publishes, and what they couldn't take, when they change. */
export const watchEvents = (gatherer: Gatherer, asker: Asker) =>
  gatherer.ask(
    {
      ...{ follows: true, fits: serves(EventServiceDefinition) },
      async read(channel, options, { instanceId }) {
        const { events, ...told } = await createClient(EventServiceDefinition, { channel }).listGroups({}, options);
        return { instanceId, ...told, events: events.slice(0, MAX_LISTED) };
      },
    },
    asker,
  );

/**
 * Yields the runs of each instance that has some, when they change, without their steps; or one run by its name, with its steps.
 *
 * @throws RpcError `INVALID_ARGUMENT` if no run can have the name.
 */
export function watchRuns({ name }: { readonly name: string }, gatherer: Gatherer, asker: Asker) {
  const service = name === '' ? undefined : operationService({ name });
  const runs = serves(RunServiceDefinition);
  return gatherer.ask(
    {
      follows: true,
      fits: (endpoint) => runs(endpoint) && (service === undefined || endpoint.services?.includes(service) === true),
      async read(channel, options, { instanceId }) {
        const client = createClient(RunServiceDefinition, { channel });
        if (service !== undefined) return { instanceId, runs: [await client.getRun({ name }, options)] };
        return { instanceId, runs: (await client.listRuns({}, options)).runs.slice(0, MAX_LISTED) };
      },
    },
    asker,
  );
}
