import type { SqlValue, Transaction } from '@rondo/database';
import { RequestIdReused, type RequestKey } from '@rondo/resources/domain';
import { columnsOf, type RequestTable } from '@rondo/resources/sql';
import { MEMBER_COLUMNS, PROJECT_COLUMNS, RESERVATION_COLUMNS, TASK_COLUMNS } from './rows.js';

/** The table of the requests that were carried out. */
export const REQUESTS: RequestTable = { table: 'create_requests', scope: 'collection' };

const TASK_RECORDS = { name: 'task_records', columns: [...TASK_COLUMNS, 'dependencies'] };

/** The collections whose creates take a request id, with the relation that has the rows of the response. */
const RELATIONS = {
  projects: { name: 'projects', columns: PROJECT_COLUMNS },
  tasks: TASK_RECORDS,
  task_batches: TASK_RECORDS,
  members: { name: 'members', columns: MEMBER_COLUMNS },
  reservations: { name: 'reservations', columns: RESERVATION_COLUMNS },
} as const;

/** A collection whose creates take a request id. Each collection has its own set of ids. */
export type Collection = keyof typeof RELATIONS;

/** The request of a create. */
export interface Once {
  readonly collection: Collection;
  /** The project of the rows, if their ids are unique only within a project. */
  readonly projectId?: string;
  /** Undefined if the request has no id. */
  readonly key: RequestKey | undefined;
}

/**
 * Runs `create` once per request. Repetitions of the request get the row of the first one.
 *
 * The claim of the id is the transaction's first statement. A concurrent repetition waits in that statement until this
 * transaction ends. Then it finds the saved response, or, if this transaction was rolled back, it creates the row
 * itself.
 *
 * @throws RequestIdReused if the id was used for a different request.
 */
export async function once<Row extends { readonly id: string }>(
  transaction: Transaction,
  request: Once,
  create: () => Promise<Row>,
): Promise<Row> {
  const [row] = await onceAll(transaction, request, async () => [await create()]);
  if (row === undefined) throw new Error(`the saved response of a request for ${request.collection} has no row`);
  return row;
}

/** Like {@link once}, for several rows, in their order. */
export async function onceAll<Row extends { readonly id: string }>(
  transaction: Transaction,
  { key, ...request }: Once,
  create: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  if (key === undefined) return create();
  if (!(await claim(transaction, request.collection, key))) return savedResponse(transaction, request.collection, key);
  const rows = await create();
  await saveResponse(transaction, { ...request, key }, rows);
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

async function saveResponse(
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

/**
 * A saved response is an array of rows. Earlier versions saved a single row, which `$[*]` treats as an array of one.
 */
async function savedResponse<Row extends object>(
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
