import { namePattern } from '@rondo/resources/domain';

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

export const projectNames = namePattern('projects/{project}', (projectId) => projectId);

export const memberNames = namePattern('members/{member}', (memberId) => memberId);

/** Names of sales, which makes the quotes and orders that projects deliver. */
export const quoteNames = namePattern('quotes/{quote}', (quoteId) => quoteId);

export const orderNames = namePattern('orders/{order}', (orderId) => orderId);

export const taskNames = namePattern('projects/{project}/tasks/{task}', toTaskId);

export const reservationNames = namePattern('members/{member}/reservations/{reservation}', toReservationId);

function toTaskId(projectId: string, taskId: string): TaskId {
  return { projectId, taskId };
}

function toReservationId(memberId: string, reservationId: string): ReservationId {
  return { memberId, reservationId };
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
