import type { ReservationId } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { foundReservation } from './found.js';

/** Releases what is reserved. @throws NotFound. */
export async function deleteReservation(
  { reservations }: Pick<Ports, 'reservations'>,
  id: ReservationId,
): Promise<void> {
  const released = await reservations.remove(id);
  foundReservation(released ? id : undefined, id);
}
