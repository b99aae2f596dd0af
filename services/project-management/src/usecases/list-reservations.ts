import type { FilteredQuery, Page } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';
import type { Reservation } from '../domain/reservation.js';
import { foundMember } from './found.js';

/** Which reservations. */
export interface ListReservations {
  /** Undefined for those of all members. */
  readonly memberId: string | undefined;
  readonly query: FilteredQuery;
}

/** A page of reservations, the earliest weeks first. @throws NotFound where there is no such member. */
export async function listReservations(
  { members, reservations }: Pick<Ports, 'members' | 'reservations'>,
  { memberId, query }: ListReservations,
): Promise<Page<Reservation>> {
  const page = await reservations.list(memberId, query);
  if (memberId !== undefined && page.items.length === 0) foundMember(await members.find(memberId), memberId);
  return page;
}
