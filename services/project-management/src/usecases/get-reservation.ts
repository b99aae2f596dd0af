import type { ReservationId } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import type { Reservation } from '../domain/reservation.js';
import { foundReservation } from './found.js';

/** One reservation. @throws NotFound. */
export async function getReservation(
  { reservations }: Pick<Ports, 'reservations'>,
  id: ReservationId,
): Promise<Reservation> {
  return foundReservation(await reservations.find(id), id);
}
