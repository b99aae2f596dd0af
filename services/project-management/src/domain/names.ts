/** Resource names in the format of AIP-122 (google.aip.dev/122): `projects/{project}`, `members/{member}`. */

/** Identifies a task of a project. */
export interface TaskId {
  readonly projectId: string;
  readonly taskId: string;
}

/** Identifies a reservation of a member. */
export interface ReservationId {
  readonly memberId: string;
  readonly reservationId: string;
}

/** A pattern of resource names. */
export interface NamePattern<Id> {
  /** The pattern as text, such as `projects/{project}`. */
  readonly pattern: string;
  /** The id in `name`; undefined if the name doesn't match the pattern. */
  parse(name: string): Id | undefined;
}

const ID = '[a-z0-9][a-z0-9-]{0,62}';
const WHOLE_ID = new RegExp(`^${ID}$`);
const PROJECT = new RegExp(`^projects/(${ID})$`);
const TASK = new RegExp(`^projects/(${ID})/tasks/(${ID})$`);
const MEMBER = new RegExp(`^members/(${ID})$`);
const RESERVATION = new RegExp(`^members/(${ID})/reservations/(${ID})$`);

export const projectNames: NamePattern<string> = {
  pattern: 'projects/{project}',
  parse: (name) => PROJECT.exec(name)?.[1],
};

export const memberNames: NamePattern<string> = {
  pattern: 'members/{member}',
  parse: (name) => MEMBER.exec(name)?.[1],
};

export const taskNames: NamePattern<TaskId> = {
  pattern: 'projects/{project}/tasks/{task}',
  parse(name) {
    const [, projectId, taskId] = TASK.exec(name) ?? [];
    return projectId === undefined || taskId === undefined ? undefined : { projectId, taskId };
  },
};

export const reservationNames: NamePattern<ReservationId> = {
  pattern: 'members/{member}/reservations/{reservation}',
  parse(name) {
    const [, memberId, reservationId] = RESERVATION.exec(name) ?? [];
    return memberId === undefined || reservationId === undefined ? undefined : { memberId, reservationId };
  },
};

/** Whether `text` is a valid id. */
export function isId(text: string): boolean {
  return WHOLE_ID.test(text);
}

export function projectName(id: string): string {
  return `projects/${id}`;
}

export function memberName(id: string): string {
  return `members/${id}`;
}

/** The name of a member; empty if the id is undefined. */
export function optionalMemberName(id: string | undefined): string {
  return id === undefined ? '' : memberName(id);
}

export function reservationName({ memberId, reservationId }: ReservationId): string {
  return `${memberName(memberId)}/reservations/${reservationId}`;
}

export function taskName({ projectId, taskId }: TaskId): string {
  return `${projectName(projectId)}/tasks/${taskId}`;
}
