import type { Transaction } from '@rondo/database';
import { type Circle, findCircle } from './domain/dependencies.js';
import { DependencyCircle, NeedsDeletedTasks, TaskNeeded } from './domain/task-errors.js';

/** A task and its dependencies. */
export interface Wiring {
  readonly id: string;
  readonly dependencies: readonly string[];
}

/** Identifies a task. */
export interface TaskId {
  readonly projectId: string;
  readonly taskId: string;
}

const nameOf = ({ projectId, taskId }: TaskId): string => `projects/${projectId}/tasks/${taskId}`;

/** The most tasks that are read for an error. */
const MAX_NAMED = 16;
/** The most tasks that each side of the first search for a circle visits. */
const FIRST_BUDGET = 1_000;
/** The growth of the budget between searches. All searches together take little longer than the last one. */
const GROWTH = 4;
/** The most dependencies that are read to name a circle. */
const MAX_TRACED = 100_000;

/** Stores the dependencies of new tasks. The caller must have locked the project's row. */
export async function insertDependencies(
  transaction: Transaction,
  projectId: string,
  tasks: readonly Wiring[],
): Promise<void> {
  const edges = tasks.flatMap(({ id, dependencies }) =>
    dependencies.map((on, index) => ({ id, on, place: index + 1 })),
  );
  if (edges.length === 0) return;
  await transaction.query(
    `INSERT INTO task_dependencies (project_id, task_id, depends_on_id, place)
     SELECT $1, task_id, depends_on_id, place
     FROM unnest($2::text[], $3::text[], $4::integer[]) AS edge (task_id, depends_on_id, place)`,
    [projectId, edges.map(({ id }) => id), edges.map(({ on }) => on), edges.map(({ place }) => place)],
  );
}

/** Replaces the dependencies of a task. The caller must have locked the project's row. @throws DependencyCircle */
export async function replaceDependencies(transaction: Transaction, projectId: string, task: Wiring): Promise<void> {
  await requireNoCircle(transaction, projectId, task);
  await transaction.query('DELETE FROM task_dependencies WHERE project_id = $1 AND task_id = $2', [projectId, task.id]);
  await insertDependencies(transaction, projectId, [task]);
}

/** @throws TaskNeeded if tasks that aren't deleted depend on the task. */
export async function requireNotNeeded(transaction: Transaction, { projectId, taskId }: TaskId): Promise<void> {
  const rows = await transaction.query<{ id: string }>(
    `SELECT task.id FROM task_dependencies AS edge
       JOIN tasks AS task ON task.project_id = edge.project_id AND task.id = edge.task_id
     WHERE edge.project_id = $1 AND edge.depends_on_id = $2 AND task.delete_time IS NULL
     ORDER BY edge.task_id LIMIT ${MAX_NAMED}`,
    [projectId, taskId],
  );
  if (rows.length > 0)
    throw new TaskNeeded(
      nameOf({ projectId, taskId }),
      rows.map(({ id }) => id),
    );
}

/** @throws NeedsDeletedTasks if the task depends on deleted tasks. */
export async function requireNoneDeleted(
  transaction: Transaction,
  { projectId, taskId }: TaskId,
  dependencies: readonly string[],
): Promise<void> {
  const rows = await transaction.query<{ id: string }>(
    'SELECT id FROM tasks WHERE project_id = $1 AND id = ANY($2) AND delete_time IS NOT NULL ORDER BY id',
    [projectId, dependencies],
  );
  if (rows.length > 0)
    throw new NeedsDeletedTasks(
      nameOf({ projectId, taskId }),
      rows.map(({ id }) => id),
    );
}

/** A direction of the search: from the task to its dependents, or from its dependencies to their dependencies. */
interface Side {
  readonly from: 'task_id' | 'depends_on_id';
  readonly to: 'task_id' | 'depends_on_id';
  readonly starts: readonly string[];
  readonly goals: readonly string[];
}

/**
 * Searches for a circle, which would run from the task over one of its dependencies back to the task. It searches from both ends in
 * turn, with a growing budget. If one side has visited all tasks that it can reach, there is no circle, however many tasks the
 * other side could reach. The search thus takes as long as the smaller side. It runs in the database.
 */
async function requireNoCircle(transaction: Transaction, projectId: string, task: Wiring): Promise<void> {
  const { id, dependencies } = task;
  if (dependencies.length === 0) return;
  if (dependencies.includes(id)) throw new DependencyCircle(`projects/${projectId}`, [id]);
  const sides: readonly Side[] = [
    { from: 'depends_on_id', to: 'task_id', starts: [id], goals: dependencies },
    { from: 'task_id', to: 'depends_on_id', starts: dependencies, goals: [id] },
  ];
  for (let budget = FIRST_BUDGET; ; budget *= GROWTH) {
    for (const side of sides) {
      const { tasks, met } = await search(transaction, projectId, { ...side, budget });
      if (met)
        throw new DependencyCircle(
          `projects/${projectId}`,
          await trace(transaction, projectId, { task, side, budget }),
        );
      if (tasks < BigInt(budget)) return;
    }
  }
}

/**
 * The tasks that can be reached from $2, each once. PostgreSQL evaluates the query only as far as rows are read. The
 * planner can't estimate their number; OFFSET 0 keeps it from reading all edges of a project in each step.
 */
function reached({ from, to }: Side): string {
  return `
    WITH RECURSIVE reached (id) AS (
      SELECT id FROM unnest($2::text[]) AS start (id)
      UNION
      SELECT edge.${to} FROM reached CROSS JOIN LATERAL (
        SELECT ${to} FROM task_dependencies WHERE project_id = $1 AND ${from} = reached.id OFFSET 0) AS edge
    )`;
}

function search(
  transaction: Transaction,
  projectId: string,
  side: Side & { readonly budget: number },
): Promise<{ readonly tasks: bigint; readonly met: boolean }> {
  return transaction.one(
    `${reached(side)}
     SELECT count(*) AS tasks, coalesce(bool_or(id = ANY($3)), false) AS met
     FROM (SELECT id FROM reached LIMIT $4) AS part`,
    [projectId, side.starts, side.goals, side.budget],
  );
}

/** The circle that one side has found. */
async function trace(
  transaction: Transaction,
  projectId: string,
  { task, side, budget }: { readonly task: Wiring; readonly side: Side; readonly budget: number },
): Promise<Circle> {
  const edges = await transaction.query<{ task_id: string; depends_on_id: string }>(
    `${reached(side)}
     SELECT edge.task_id, edge.depends_on_id FROM (SELECT id FROM reached LIMIT $3) AS part
       JOIN task_dependencies AS edge ON edge.project_id = $1 AND edge.${side.from} = part.id
     LIMIT ${MAX_TRACED}`,
    [projectId, side.starts, budget],
  );
  // The task comes first, so that the name of the circle begins with it.
  const wiring = new Map<string, string[]>([[task.id, [...task.dependencies]]]);
  for (const { task_id, depends_on_id } of edges) {
    const known = wiring.get(task_id);
    if (known === undefined) wiring.set(task_id, [depends_on_id]);
    else known.push(depends_on_id);
  }
  return findCircle(wiring) ?? [task.id, 'too many tasks to name them'];
}
