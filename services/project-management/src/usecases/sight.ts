import type { DomainError } from '@rondo/resources/domain';
import { type Access, accessOf, isAdmin, type Principal, requireInSight } from '../domain/access.js';
import type { ReservationId } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { missingProject, missingReservation } from './found.js';

type Teams = Pick<Ports, 'teams'>;

/** What a principal sees. */
export async function accessTo({ teams }: Teams, principal: Principal): Promise<Access> {
  return accessOf(principal, isAdmin(principal) ? undefined : await teams.ofPerson(principal.subject));
}

/**
 * Checks that a principal sees a project.
 *
 * @param missing the error if there is no such project.
 * @throws `missing`, or OutOfSight with it.
 */
export async function requireProjectInSight(
  ports: Teams,
  principal: Principal,
  { id, missing = missingProject(id) }: { readonly id: string; readonly missing?: DomainError },
): Promise<void> {
  if (isAdmin(principal)) return;
  requireInSight(await accessTo(ports, principal), await ports.teams.ofProject(id), missing);
}

/** Checks that a principal sees the project of a reservation. @throws NotFound, or OutOfSight with it. */
export async function requireReservationInSight(ports: Teams, principal: Principal, id: ReservationId): Promise<void> {
  if (isAdmin(principal)) return;
  requireInSight(await accessTo(ports, principal), await ports.teams.ofReservation(id), missingReservation(id));
}
