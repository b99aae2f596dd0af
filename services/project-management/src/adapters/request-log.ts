import type { SqlValue, Transaction } from '@rondo/database';
import { columnsOf, type RequestTable } from '@rondo/resources/sql';
import { RequestIdReused } from '../domain/errors.js';
import type { RequestKey } from '../domain/request-key.js';
import { MEMBER_COLUMNS, PROJECT_COLUMNS, RESERVATION_COLUMNS, TASK_COLUMNS } from './rows.js';

/** Where requests that were carried out stand. */
export const REQUESTS: RequestTable = { table: 'create_requests', scope: 'collection' };

const TASK_RECORDS = { name: 'task_records', columns: [...TASK_COLUMNS, 'dependencies'] };

/** What may be asked for with a request id, and the relation that has the rows as they are answered. */
const RELATIONS = {
  projects: { name: 'projects', columns: PROJECT_COLUMNS },
  tasks: TASK_RECORDS,
  task_batches: TASK_RECORDS,
  members: { name: 'members', columns: MEMBER_COLUMNS },
  reservations: { name: 'reservations', columns: RESERVATION_COLUMNS },
} as const;

/** What may be asked for with a request id: each has ids of its own. */
export type Collection = keyof typeof RELATIONS;

/** Which request makes rows of which table. */
export interface Once {
  readonly collection: Collection;
  /** The project that the rows are of, where their ids are a project's own. */
  readonly projectId?: string;
  /** Undefined for a create that nobody repeats. */
  readonly key: RequestKey | undefined;
}

/**
 * Runs `create` the first time a request comes, and answers it with the row made then ever after.
 *
 * The claim of the id is the transaction's first statement: an equal one that arrives meanwhile waits in it until this
 * transaction ends, then finds the outcome, or, where this one was rolled back, makes the row itself.
 *
 * @throws RequestIdReused where the id came with another request before.
 */
export async function once<Row extends { readonly id: string }>(
  transaction: Transaction,
  request: Once,
  create: () => Promise<Row>,
): Promise<Row> {
  const [row] = await onceAll(transaction, request, async () => [await create()]);
  if (row === undefined) throw new Error(`the outcome of a request for ${request.collection} has no row`);
  return row;
}

/** As {@link once}, of several rows, in their order. */
export async function onceAll<Row extends { readonly id: string }>(
  transaction: Transaction,
  { key, ...request }: Once,
  create: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  if (key === undefined) return create();
  if (!(await claim(transaction, request.collection, key))) return firstOutcome(transaction, request.collection, key);
  const rows = await create();
  await keepOutcome(transaction, { ...request, key }, rows);
  return rows;
}

async function claim(transaction: Transaction, collection: Collection, key: RequestKey): Promise<boolean> {
  const claimed = await transaction.query(
    `INSERT INTO create_requests (collection, request_id, fingerprint) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING request_id`,
    [collection, key.id, key.fingerprint],
  );
  return claimed.length === 1;
}

async function keepOutcome(
  transaction: Transaction,
  { collection, projectId, key }: Once & { readonly key: RequestKey },
  rows: readonly { readonly id: string }[],
): Promise<void> {
  const [inProject, params]: [string, SqlValue[]] =
    projectId === undefined ? ['', []] : ['AND made.project_id = $4', [projectId]];
  await transaction.query(
    `UPDATE create_requests SET outcome =
       (SELECT jsonb_agg(to_jsonb(made) ORDER BY made.sequence) FROM ${RELATIONS[collection].name} AS made
        WHERE made.id = ANY($3) ${inProject})
     WHERE collection = $1 AND request_id = $2`,
    [collection, key.id, rows.map(({ id }) => id), ...params],
  );
}

/** Outcomes are arrays of rows; those of earlier versions are a row, which `$[*]` takes for an array of one. */
async function firstOutcome<Row extends object>(
  transaction: Transaction,
  collection: Collection,
  { id, fingerprint }: RequestKey,
): Promise<readonly Row[]> {
  const { name, columns } = RELATIONS[collection];
  const rows = await transaction.query<{ same: boolean } & Row>(
    `SELECT fingerprint = $3 AS same, ${columnsOf('made', columns)}
     FROM create_requests, jsonb_path_query(outcome, '$[*]') WITH ORDINALITY AS part (record, place),
       jsonb_populate_record(NULL::${name}, part.record) AS made
     WHERE collection = $1 AND request_id = $2 ORDER BY place`,
    [collection, id, fingerprint],
  );
  if (rows.some(({ same }) => !same)) throw new RequestIdReused(id);
  return rows;
}
