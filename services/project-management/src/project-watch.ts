import type {
  ProjectServiceDefinition,
  WatchProjectRequest,
  WatchProjectResponse,
} from '@rondo/contracts/projects/v1/projects';
import type { Task } from '@rondo/contracts/projects/v1/tasks';
import type { Queries, Transaction } from '@rondo/database';
import { cutBySize, inParts, messageBytes, toWatchError } from '@rondo/resources/sql';
import { callPrincipal, currentWorkLimits, type Principal, type ServerCall } from '@rondo/rpc/call';
import type { Handlers } from '@rondo/rpc/server';
import { payloadFields, type Sync } from '@rondo/sync';
import { requireProjectInSight } from './access.js';
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
  { name, resumeToken }: WatchProjectRequest,
  { signal, values }: ServerCall,
): AsyncGenerator<WatchProjectResponse> {
  const principal = values.get(callPrincipal);
  const watch = {
    topic: name,
    resumeToken,
    caller: currentWorkLimits().caller,
    signal,
    filter: principal && { name: `watched by ${identityOf(principal)}`, accepts: () => true },
    snapshot: (tx: Transaction) => readParts(tx, name),
  };
  try {
    for await (const event of sync.watch(watch)) {
      if (event.kind === 'snapshot') {
        const value = { ...event.part, more: !event.last };
        yield { event: { $case: 'snapshot', value }, resumeToken: event.resumeToken ?? '' };
      } else {
        if (principal !== undefined)
          await requireProjectInSight(database, principal, { project: name, missing: projects.missing(name) });
        yield { event: changeIn(event.payload), resumeToken: event.resumeToken };
      }
    }
  } catch (error) {
    throw toWatchError(error, 'the same project');
  }
}

/** A resume token is valid for the same identity only. */
const identityOf = ({ issuer, subject }: Principal): string => JSON.stringify([issuer, subject]);

/** @throws TypeError if the payload isn't a change. */
function changeIn(payload: unknown): WatchProjectResponse['event'] {
  const kind = payloadFields(payload).text('kind');
  const row: unknown = Object(payload).row;
  if (typeof row !== 'object' || row === null) throw new TypeError('"row" of the payload is missing');
  if (kind === 'project') return { $case: 'projectChanged', value: projects.toResource({ ...row }) };
  if (kind === 'task') return { $case: 'taskChanged', value: tasks.toResource({ ...row }) };
  throw new TypeError(`"${kind}" isn't a kind of change`);
}

/** How many tasks are read at once. They are sent in one message if they fit. */
const PART = 500;

const NEXT_TASKS = `
  ${tasks.select} WHERE project_id = $1 AND NOT deleted AND sequence > $2 ORDER BY sequence LIMIT ${PART}`;

/** Reads a project with its tasks in parts, the oldest task first. @throws NotFound */
async function* readParts(tx: Transaction, name: string) {
  const project = await projects.get(tx, name);
  const read = (after: bigint) => tx.query<{ readonly sequence: bigint }>(NEXT_TASKS, [...projects.idsIn(name), after]);
  for await (const rows of inParts(PART, read)) {
    const items = rows.map((row): Task => tasks.toResource({ ...row }));
    for (const part of cutBySize(items, messageBytes)) yield { project, tasks: [...part] };
  }
}
