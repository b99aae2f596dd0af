/** Resource names, as google.aip.dev/122 has them: `projects/{project}`, `members/{member}`. */

/** Which task of which project. */
export interface TaskId {
  readonly projectId: string;
  readonly taskId: string;
}

/** Which reservation of which member. */
export interface ReservationId {
  readonly memberId: string;
  readonly reservationId: string;
}

/** What a parser says of a name that isn't one. */
export interface NamePattern<Id> {
  /** Such as `projects/{project}`. */
  readonly pattern: string;
  /** The id inside `name`; undefined where it isn't of the pattern. */
  parse(name: string): Id | undefined;
}

const ID = '[a-z0-9][a-z0-9-]{0,62}';
const WHOLE_ID = new RegExp(`^${ID}$`);
const PROJECT = new RegExp(`^projects/(${ID})$`);
const TASK = new RegExp(`^projects/(${ID})/tasks/(${ID})$`);
const MEMBER = new RegExp(`^members/(${ID})$`);
const RESERVATION = new RegExp(`^members/(${ID})/reservations/(${ID})$`);

/** Names of projects. */
export const projectNames: NamePattern<string> = {
  pattern: 'projects/{project}',
  parse: (name) => PROJECT.exec(name)?.[1],
};

/** Names of members. */
export const memberNames: NamePattern<string> = {
  pattern: 'members/{member}',
  parse: (name) => MEMBER.exec(name)?.[1],
};

/** Names of tasks. */
export const taskNames: NamePattern<TaskId> = {
  pattern: 'projects/{project}/tasks/{task}',
  parse(name) {
    const [, projectId, taskId] = TASK.exec(name) ?? [];
    return projectId === undefined || taskId === undefined ? undefined : { projectId, taskId };
  },
};

/** Names of reservations. */
export const reservationNames: NamePattern<ReservationId> = {
  pattern: 'members/{member}/reservations/{reservation}',
  parse(name) {
    const [, memberId, reservationId] = RESERVATION.exec(name) ?? [];
    return memberId === undefined || reservationId === undefined ? undefined : { memberId, reservationId };
  },
};

/** Whether a name may end in it. */
export function isId(text: string): boolean {
  return WHOLE_ID.test(text);
}

/** The name of a project. */
export function projectName(id: string): string {
  return `projects/${id}`;
}

/** The name of a member. */
export function memberName(id: string): string {
  return `members/${id}`;
}

/** The name of a member; empty for none. */
export function optionalMemberName(id: string | undefined): string {
  return id === undefined ? '' : memberName(id);
}

/** The name of a reservation. */
export function reservationName({ memberId, reservationId }: ReservationId): string {
  return `${memberName(memberId)}/reservations/${reservationId}`;
}

/** The name of a task. */
export function taskName({ projectId, taskId }: TaskId): string {
  return `${projectName(projectId)}/tasks/${taskId}`;
}
