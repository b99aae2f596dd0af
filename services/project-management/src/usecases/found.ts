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
  return required(found, () => missingProject(id));
}

/** @throws NotFound if there is no such task, or no such project. */
export function foundTask<T>(found: T | undefined, id: TaskId): T {
  return required(found, () => missingTask(id));
}

/** @throws NotFound if there is no such member. */
export function foundMember<T>(found: T | undefined, id: string): T {
  return required(found, () => new NotFound([memberName(id)], 'list the members with ListMembers'));
}

/** @throws NotFound if there is no such reservation. */
export function foundReservation<T>(found: T | undefined, id: ReservationId): T {
  return required(found, () => missingReservation(id));
}

/** The error of a project that doesn't exist. */
export function missingProject(id: string): NotFound {
  return new NotFound([projectName(id)], 'list the projects with ListProjects');
}

/** The error of a task that doesn't exist. */
export function missingTask(id: TaskId): NotFound {
  return new NotFound([taskName(id)], 'list the tasks of a project with ListTasks');
}

/** The error of a reservation that doesn't exist. */
export function missingReservation(id: ReservationId): NotFound {
  return new NotFound([reservationName(id)], 'list the reservations of a member with ListReservations');
}

function required<T>(found: T | undefined, missing: () => NotFound): T {
  if (found === undefined) throw missing();
  return found;
}
