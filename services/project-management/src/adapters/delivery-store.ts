import { type Transaction, UniqueViolation } from '@rondo/database';
import { ProjectExists } from '../domain/errors.js';
import { projectName } from '../domain/names.js';
import type { DeliveryStore } from '../domain/ports.js';
import { insertReservations, lockCapacity, lockWeeks, readFreeWeeks } from './member-weeks.js';
import { insertProject } from './project-store.js';
import { toProject, toReservation } from './rows.js';

const HAS_CAPACITY = `
  SELECT EXISTS (SELECT FROM members WHERE delete_time IS NULL AND weekly_capacity_minutes > 0) AS has`;

/** The store of a delivery within a given transaction. */
export function createDeliveryStore(transaction: Transaction): DeliveryStore {
  return {
    lockCapacity: () => lockCapacity(transaction, 'shared'),
    hasCapacity: async () => (await transaction.one<{ has: boolean }>(HAS_CAPACITY)).has,
    async createProject(project, tasks) {
      try {
        return toProject(await insertProject(transaction, project, tasks));
      } catch (error) {
        if (!(error instanceof UniqueViolation) || error.constraint !== 'projects_pkey') throw error;
        throw new ProjectExists(projectName(project.id));
      }
    },
    freeWeeks: (query) => readFreeWeeks(transaction, query),
    lockWeeks: (weeks) => lockWeeks(transaction, weeks),
    reserve: async (reservations) => (await insertReservations(transaction, reservations)).map(toReservation),
  };
}
