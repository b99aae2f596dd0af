import { NotFound } from '@rondo/resources/domain';
import {
  memberName,
  projectName,
  type ReservationId,
  reservationName,
  type TaskId,
  taskName,
} from '../domain/names.js';

/** @throws NotFound if there is no such project. */
export function foundProject<T>(found: T | undefined, id: string): T {
  return required(found, projectName(id), 'list the projects with ListProjects');
}

/** @throws NotFound if there is no such task, or no such project. */
export function foundTask<T>(found: T | undefined, id: TaskId): T {
  return required(found, taskName(id), 'list the tasks of a project with ListTasks');
}

/** @throws NotFound if there is no such member. */
export function foundMember<T>(found: T | undefined, id: string): T {
  return required(found, memberName(id), 'list the members with ListMembers');
}

/** @throws NotFound if there is no such reservation. */
export function foundReservation<T>(found: T | undefined, id: ReservationId): T {
  return required(found, reservationName(id), 'list the reservations of a member with ListReservations');
}

function required<T>(found: T | undefined, resource: string, remedy: string): T {
  if (found === undefined) throw new NotFound([resource], remedy);
  return found;
}
