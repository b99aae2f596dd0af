import { columnsOf } from '@rondo/resources/sql';
import type { Member } from '../domain/member.js';
import { PROJECT_STATES, type Project, type ProjectState } from '../domain/project.js';
import type { MemberWeek, Reservation } from '../domain/reservation.js';
import { TASK_STATES, type Task, type TaskState } from '../domain/task.js';

export interface ProjectRow {
  readonly id: string;
  readonly sequence: bigint;
  readonly title: string;
  readonly state: string;
  readonly owner_id: string | null;
  readonly start_date: string | null;
  readonly due_date: string | null;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
  readonly version: bigint;
  readonly team: string;
  readonly quote_id: string | null;
  readonly order_id: string | null;
}

export const PROJECT_COLUMNS = [
  ...['id', 'sequence', 'title', 'state', 'owner_id', 'start_date', 'due_date'],
  ...['create_time', 'update_time', 'delete_time', 'version', 'team', 'quote_id', 'order_id'],
];

/** Whether a project or task is deleted, by the column that the indexes of its lists have. */
export const DELETION = { live: 'NOT deleted', deleted: 'deleted' };

/** {@link PROJECT_COLUMNS} for a SELECT from `projects`. */
export const PROJECTS_COLUMNS = columnsOf('projects', PROJECT_COLUMNS);

/** A row of `task_records`. */
export interface TaskRow {
  readonly id: string;
  readonly project_id: string;
  readonly sequence: bigint;
  readonly title: string;
  readonly state: string;
  readonly assignee_id: string | null;
  readonly effort_minutes: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
  readonly dependencies: readonly string[];
  readonly version: bigint;
}

/** The columns of a task in the table `tasks`. */
export const TASK_COLUMNS = [
  ...['id', 'project_id', 'sequence', 'title', 'state', 'assignee_id', 'effort_minutes'],
  ...['create_time', 'update_time', 'delete_time', 'version'],
];

/** {@link TASK_COLUMNS} for a SELECT from `tasks`. */
export const TASKS_COLUMNS = columnsOf('tasks', TASK_COLUMNS);

/** All columns of a task for a SELECT from the view `task_records`. */
export const TASK_RECORDS_COLUMNS = columnsOf('task_records', [...TASK_COLUMNS, 'dependencies']);

export interface MemberRow {
  readonly id: string;
  readonly sequence: bigint;
  readonly display_name: string;
  readonly email: string;
  readonly weekly_capacity_minutes: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
  readonly version: bigint;
  readonly subject: string;
  readonly team: string;
}

export const MEMBER_COLUMNS = [
  ...['id', 'sequence', 'display_name', 'email', 'weekly_capacity_minutes'],
  ...['create_time', 'update_time', 'delete_time', 'version', 'subject', 'team'],
];

/** {@link MEMBER_COLUMNS} for a SELECT from `members`. */
export const MEMBERS_COLUMNS = columnsOf('members', MEMBER_COLUMNS);

export interface ReservationRow {
  readonly id: string;
  readonly position: bigint;
  readonly member_id: string;
  readonly week_start_date: string;
  readonly project_id: string;
  readonly minutes: bigint;
  readonly create_time: Date;
}

export const RESERVATION_COLUMNS = [
  ...['id', 'position', 'member_id', 'week_start_date', 'project_id', 'minutes', 'create_time'],
];

/** {@link RESERVATION_COLUMNS} for a SELECT from `reservations`. */
export const RESERVATIONS_COLUMNS = columnsOf('reservations', RESERVATION_COLUMNS);

/** A row of `member_weeks`. `capacity` is the week's final capacity if it has one, else the member's. */
export interface MemberWeekRow {
  readonly member_id: string;
  readonly week_start_date: string;
  readonly capacity: bigint;
  readonly reserved_minutes: bigint;
}

export function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    title: row.title,
    state: toProjectState(row.state),
    ownerId: row.owner_id ?? undefined,
    startDate: row.start_date ?? undefined,
    dueDate: row.due_date ?? undefined,
    team: row.team,
    quoteId: row.quote_id ?? undefined,
    orderId: row.order_id ?? undefined,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
    version: row.version,
  };
}

export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    projectId: row.project_id,
    title: row.title,
    state: toTaskState(row.state),
    assigneeId: row.assignee_id ?? undefined,
    effortMinutes: row.effort_minutes,
    dependencies: row.dependencies,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
    version: row.version,
  };
}

export function toMember(row: MemberRow): Member {
  return {
    id: row.id,
    displayName: row.display_name,
    email: row.email,
    weeklyCapacityMinutes: row.weekly_capacity_minutes,
    subject: row.subject,
    team: row.team,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
    version: row.version,
  };
}

export function toReservation(row: ReservationRow): Reservation {
  return {
    id: row.id,
    memberId: row.member_id,
    weekStartDate: row.week_start_date,
    projectId: row.project_id,
    minutes: row.minutes,
    createTime: row.create_time,
  };
}

export function toMemberWeek(row: MemberWeekRow): MemberWeek {
  return {
    memberId: row.member_id,
    weekStartDate: row.week_start_date,
    capacityMinutes: row.capacity,
    reservedMinutes: row.reserved_minutes,
  };
}

/** The state of a task's row. */
export function toTaskState(state: string): TaskState {
  return known(TASK_STATES, state);
}

function toProjectState(state: string): ProjectState {
  return known(PROJECT_STATES, state);
}

/** A CHECK constraint allows only these states. A state that a later version of the service wrote is an error. */
function known<State extends string>(states: readonly State[], text: string): State {
  const state = states.find((one) => one === text);
  if (state === undefined) throw new Error(`the database has the state "${text}", which this version doesn't know`);
  return state;
}

/**
 * The `update_time` of a change, in SQL. Times have milliseconds. If two changes fall into the same millisecond, the
 * later one gets the next millisecond.
 */
export const NEXT_UPDATE_TIME = "greatest(clock_timestamp(), update_time + interval '1 millisecond')::timestamptz(3)";

/** Upper bounds of the size of an encoded task without its title and dependencies, and of the name of a dependency. */
const [TASK_BYTES, NAME_BYTES] = [600, 160];

/** An upper bound of the bytes of an encoded task. */
export function taskBytes({ title, dependencies }: Task): number {
  return TASK_BYTES + Buffer.byteLength(title) + NAME_BYTES * dependencies.length;
}
