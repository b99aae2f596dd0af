import { UnknownProject } from '../domain/errors.js';
import { requireInTeam } from '../domain/member.js';
import { projectName } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { requireOpen } from '../domain/project.js';
import type { RequestKey } from '../domain/request-key.js';
import type { Reservation, ReservationFields } from '../domain/reservation.js';
import type { ReservationParties } from '../domain/team-ports.js';
import { foundMember } from './found.js';

/** Reserves time. @throws NotFound, MemberDeleted, UnknownProject, ProjectDeleted, ProjectArchived, TooLittleFree. */
export function createReservation(
  { reservations, newId }: Pick<Ports, 'reservations' | 'newId'>,
  fields: ReservationFields,
  key: RequestKey | undefined,
): Promise<Reservation> {
  const admit = ({ member, project }: ReservationParties): void => {
    requireInTeam(foundMember(member, fields.memberId));
    if (project === undefined) throw new UnknownProject(projectName(fields.projectId));
    requireOpen(project);
  };
  return reservations.create({ ...fields, id: newId() }, admit, key);
}
