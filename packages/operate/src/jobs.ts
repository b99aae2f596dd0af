import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { type Run, RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { type CallOptions, type Client, createClient, type Endpoint } from '@rondo/rpc/client';
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

/** What waits for an operator or for another version comes first, also if it is older than what a page has. */
const FIRST = [RunState.RUN_STATE_BLOCKED, RunState.RUN_STATE_PARKED, RunState.RUN_STATE_UNSPECIFIED];

interface ListedRuns {
  /** Only the runs in this state; undefined for all. */
  readonly state?: RunState | undefined;
  /** Of each state that comes first, and of all; 1,000 by default, and at most. */
  readonly pageSize?: number;
}

/** The runs of a service without their steps: those that are blocked or parked first, then the newest. */
export async function listRuns(
  client: Client<typeof RunServiceDefinition>,
  { state, pageSize = 0 }: ListedRuns,
  options: CallOptions,
): Promise<readonly Run[]> {
  const wanted = state === undefined ? FIRST : [state];
  const pages = await Promise.all(wanted.map((one) => client.listRuns({ state: one, pageSize }, options)));
  return [...new Map(pages.flatMap(({ runs }) => runs).map((run) => [run.name, run])).values()];
}

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
        const runs = await listRuns(client, { pageSize: MAX_LISTED }, options);
        return { instanceId, runs: runs.slice(0, MAX_LISTED) };
      },
    },
    asker,
  );
}
