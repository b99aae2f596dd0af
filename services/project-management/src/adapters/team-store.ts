import type { Queries } from '@rondo/database';
import type { TeamStore } from '../domain/ports.js';

const PERSON = "SELECT team FROM members WHERE subject = $1 AND subject <> '' AND delete_time IS NULL";
const PROJECT = 'SELECT team FROM projects WHERE id = $1';
const RESERVATION = `
  SELECT projects.team FROM reservations JOIN projects ON projects.id = reservations.project_id
  WHERE reservations.id = $1 AND reservations.member_id = $2`;

/** Finds the teams of people and resources in PostgreSQL. */
export function createTeamStore(queries: Queries): TeamStore {
  const find = async (name: string, sql: string, params: readonly string[]): Promise<string | undefined> =>
    (await queries.maybeOne<{ team: string }>(sql, params, { name }))?.team;
  return {
    ofPerson: (subject) => find('team_of_person', PERSON, [subject]),
    ofProject: (projectId) => find('team_of_project', PROJECT, [projectId]),
    ofReservation: ({ memberId, reservationId }) => find('team_of_reservation', RESERVATION, [reservationId, memberId]),
  };
}
