import { type Transaction, UniqueViolation } from '@rondo/database';
import { ProjectExists } from '../domain/errors.js';
import { projectName } from '../domain/names.js';
import type { DeliveryStore } from '../domain/ports.js';
import { insertReservations, lockMembers, lockWeeks, readWeeks } from './member-weeks.js';
import { insertProject } from './project-store.js';
import { toProject, toReservation } from './rows.js';

/** The store of a delivery within a given transaction. */
export function createDeliveryStore(transaction: Transaction): DeliveryStore {
  return {
    lockTeam: () => lockMembers(transaction, undefined),
    async createProject(project, tasks) {
      try {
        return toProject(await insertProject(transaction, project, tasks));
      } catch (error) {
        if (!(error instanceof UniqueViolation) || error.constraint !== 'projects_pkey') throw error;
        throw new ProjectExists(projectName(project.id));
      }
    },
    reservedWeeks: (period) => readWeeks(transaction, period, undefined),
    lockWeeks: (weeks) => lockWeeks(transaction, weeks),
    reserve: async (reservations) => (await insertReservations(transaction, reservations)).map(toReservation),
  };
}
