import type {
  Project,
  ProjectServiceDefinition,
  WatchProjectRequest,
  WatchProjectResponse,
} from '@rondo/contracts/projects/v1/projects';
import type { Queries, Transaction } from '@rondo/database';
import { payloadFields, type Sync } from '@rondo/resources';
import { keyedRows } from '@rondo/resources/sql';
import { callPrincipal, currentWorkLimits, type Principal, type ServerCall } from '@rondo/rpc/call';
import type { Handlers } from '@rondo/rpc/server';
import { requireVisibleProject } from './access.js';
import { errors } from './errors.js';
import { projects } from './projects.js';
import { tasks } from './tasks.js';

/** What watches of projects work with. */
interface WatchContext {
  readonly sync: Pick<Sync, 'watch'>;
  readonly database: Queries;
}

/** Implements WatchProject: a project with its tasks, and their changes from all replicas. */
export function watchProject(context: WatchContext): Handlers<typeof ProjectServiceDefinition>['watchProject'] {
  return (request, call) => errors.streamWithRpcErrors(events(context, request, call), (event) => event);
}

async function* events(
  { sync, database }: WatchContext,
  { name, resumeToken: given }: WatchProjectRequest,
  { signal, values }: ServerCall,
): AsyncGenerator<WatchProjectResponse> {
  const principal = values.get(callPrincipal);
  /** The project as it was last sent. */
  let project: Project | undefined;
  const watch = {
    topic: name,
    resumeToken: given,
    caller: currentWorkLimits().caller,
    signal,
    filter: principal && { name: `watched by ${identityOf(principal)}`, accepts: () => true },
    snapshot: {
      async readAfter(tx: Transaction, after: bigint) {
        if (after === 0n) project = await projects.get(tx, name);
        const rows = await tx.query<Record<string, unknown>>(NEXT_TASKS, [...projects.idsIn(name), after]);
        return keyedRows(rows, {
          after,
          size: PART,
          keyOf: ({ sequence }) => BigInt(String(sequence)),
          toItem: tasks.toResource,
        });
      },
      // The project is in the first part.
      keyOf: (change: unknown) => (kindOf(change) === 'project' ? 1n : BigInt(String(rowIn(change)['sequence']))),
    },
  };
  for await (const { resumeToken, ...received } of sync.watch(watch)) {
    if (received.kind === 'snapshot') {
      const { part, last } = received;
      const value = { project, tasks: [...part], more: !last };
      yield { event: { $case: 'snapshot', value }, resumeToken: last ? resumeToken : '' };
    } else {
      if (principal !== undefined)
        await requireVisibleProject(database, principal, { project: name, missing: projects.missing(name) });
      const event = changeIn(received.payload);
      if (event?.$case === 'projectChanged') project = event.value;
      yield { event, resumeToken };
    }
  }
}

/** A resume token is valid for the same identity only. */
const identityOf = ({ issuer, subject }: Principal): string => JSON.stringify([issuer, subject]);

const kindOf = (change: unknown): string => payloadFields(change).text('kind');

/** @throws TypeError if a change has no row. */
function rowIn(change: unknown): Readonly<Record<string, unknown>> {
  const row: unknown = Object(change).row;
  if (typeof row !== 'object' || row === null) throw new TypeError('"row" of the payload is missing');
  return { ...row };
}

/** @throws TypeError if the payload isn't a change. */
function changeIn(payload: unknown): WatchProjectResponse['event'] {
  const [kind, row] = [kindOf(payload), rowIn(payload)];
  if (kind === 'project') return { $case: 'projectChanged', value: projects.toResource(row) };
  if (kind === 'task') return { $case: 'taskChanged', value: tasks.toResource(row) };
  throw new TypeError(`"${kind}" isn't a kind of change`);
}

/** How many tasks are read at once, the oldest first. They are sent in one message if they fit. */
const PART = 500;

const NEXT_TASKS = `
  ${tasks.select} WHERE project_id = $1 AND NOT deleted AND sequence > $2 ORDER BY sequence LIMIT ${PART}`;
