import type { Queries, Transaction } from '@rondo/database';
import type { StoreDatabase } from '@rondo/resources/sql';
import type { TaskEffort, TeamMember, Workload } from './domain/estimate.js';
import { dateOf, dayNumberOf, mondayOf, type WeekNumber, weekOf } from './domain/planning/days.js';
import type { Dependency, RemainingTask } from './domain/planning/task-graph.js';

/** The number of rows that are read at a time. */
const CHUNK = 5_000;

/** The most tasks of a plan. Planning blocks the event loop; for this many tasks it takes a fraction of a second. */
const MAX_PLANNED = 100_000;

/**
 * Reads what an estimate of a project needs, all at one moment; undefined if there is no such project.
 *
 * @param maxPlanned if more tasks remain, there is no plan, and their rows aren't read.
 */
export function readWorkload(
  database: Pick<StoreDatabase, 'inSnapshot'>,
  projectId: string,
  maxPlanned = MAX_PLANNED,
): Promise<Workload | undefined> {
  return database.inSnapshot(async (tx): Promise<Workload | undefined> => {
    const sql = 'SELECT start_date FROM projects WHERE id = $1';
    const project = await tx.maybeOne<{ start_date: string | null }>(sql, [projectId]);
    if (project === undefined) return undefined;
    const { more } = await tx.one<{ more: boolean }>(MORE_REMAIN, [projectId, maxPlanned]);
    if (more) return { efforts: await readEfforts(tx, projectId), toPlan: undefined };
    const { efforts, remaining } = await readTasks(tx, projectId);
    const dependencies = await readDependencies(tx, projectId);
    const team = await readTeam(tx);
    return { efforts, toPlan: { startDate: project.start_date ?? undefined, remaining, dependencies, team } };
  });
}

const MORE_REMAIN = `
  SELECT EXISTS (
    SELECT FROM tasks WHERE project_id = $1 AND delete_time IS NULL AND state IN ('OPEN', 'IN_PROGRESS') OFFSET $2
  ) AS more`;

const EFFORTS = `
  SELECT state, sum(effort_minutes)::bigint AS effort_minutes, count(*) AS task_count FROM tasks
  WHERE project_id = $1 AND delete_time IS NULL AND state <> 'CANCELLED' GROUP BY state`;

async function readEfforts(transaction: Transaction, projectId: string): Promise<readonly TaskEffort[]> {
  const rows = await transaction.query<{ state: string; effort_minutes: bigint; task_count: bigint }>(EFFORTS, [
    projectId,
  ]);
  return rows.map(({ state, effort_minutes, task_count }) => ({
    state,
    effortMinutes: effort_minutes,
    taskCount: task_count,
  }));
}

const TASKS = `
  SELECT sequence, id, state, effort_minutes, assignee_id FROM tasks
  WHERE project_id = $1 AND delete_time IS NULL AND state <> 'CANCELLED' AND sequence > $2 ORDER BY sequence LIMIT $3`;

interface PlannedRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly state: string;
  readonly effort_minutes: bigint;
  readonly assignee_id: string | null;
}

async function readTasks(transaction: Transaction, projectId: string) {
  const efforts: TaskEffort[] = [];
  const remaining: RemainingTask[] = [];
  for (let after = 0n; ; ) {
    const rows = await transaction.query<PlannedRow>(TASKS, [projectId, after, CHUNK]);
    for (const { id, state, effort_minutes, assignee_id } of rows) {
      efforts.push({ state, effortMinutes: effort_minutes, taskCount: 1n });
      if (state === 'DONE') continue;
      remaining.push({ id, effortMinutes: Number(effort_minutes), assigneeId: assignee_id ?? undefined });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < CHUNK) return { efforts, remaining };
    after = last.sequence;
  }
}

const DEPENDENCIES = `
  SELECT task_id, depends_on_id FROM task_dependencies
  WHERE project_id = $1 AND (task_id, depends_on_id) > ($2, $3) ORDER BY task_id, depends_on_id LIMIT $4`;

async function readDependencies(transaction: Transaction, projectId: string): Promise<readonly Dependency[]> {
  const dependencies: Dependency[] = [];
  for (let after = ['', '']; ; ) {
    const rows = await transaction.query<{ task_id: string; depends_on_id: string }>(DEPENDENCIES, [
      projectId,
      ...after,
      CHUNK,
    ]);
    for (const row of rows) dependencies.push({ taskId: row.task_id, dependsOnId: row.depends_on_id });
    const last = rows.at(-1);
    if (last === undefined || rows.length < CHUNK) return dependencies;
    after = [last.task_id, last.depends_on_id];
  }
}

async function readTeam({ query }: Transaction): Promise<readonly TeamMember[]> {
  const members = await query<{ id: string; weekly_capacity_minutes: bigint }>(
    'SELECT id, weekly_capacity_minutes FROM members WHERE delete_time IS NULL ORDER BY sequence',
  );
  return members.map(({ id, weekly_capacity_minutes }) => ({
    memberId: id,
    weeklyCapacityMinutes: Number(weekly_capacity_minutes),
  }));
}

/** Which reservations count for a plan. */
export interface ReservedQuery {
  /** Reservations for this project don't count. */
  readonly projectId: string;
  readonly memberIds: readonly string[];
  /** The first week. */
  readonly from: WeekNumber;
  /** The last week. */
  readonly to: WeekNumber;
}

/** Minutes of a member's week that are reserved for other projects. */
interface ReservedTime {
  readonly memberId: string;
  readonly week: WeekNumber;
  readonly minutes: number;
}

/** A week may have any number of reservations. Their sum is stored; only those for the project are added up. */
const RESERVED = `
  SELECT member_id, week_start_date, reserved_minutes - coalesce(own.minutes, 0) AS minutes
  FROM member_weeks LEFT JOIN (
    SELECT member_id, week_start_date, sum(minutes)::bigint AS minutes FROM reservations
    WHERE project_id = $1 AND week_start_date BETWEEN $3 AND $4 GROUP BY member_id, week_start_date
  ) AS own USING (member_id, week_start_date)
  WHERE member_id = ANY($2) AND week_start_date BETWEEN $3 AND $4 AND reserved_minutes > 0`;

/** Reads the weeks of a few thousand that have reservations. */
export async function readReserved(
  { query }: Queries,
  { projectId, memberIds, from, to }: ReservedQuery,
): Promise<readonly ReservedTime[]> {
  const params = [projectId, memberIds, dateOf(mondayOf(from)), dateOf(mondayOf(to))];
  const rows = await query<{ member_id: string; week_start_date: string; minutes: bigint }>(RESERVED, params);
  return rows.map(({ member_id, week_start_date, minutes }) => ({
    memberId: member_id,
    week: weekOf(dayNumberOf(week_start_date)),
    minutes: Number(minutes),
  }));
}
