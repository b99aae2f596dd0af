import { expect } from '@jest/globals';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import type { Database } from '@rondo/database';

const MS_A_DAY = 86_400_000;

/** The Monday of the week that is `weeks` weeks after the current one. */
export function monday(weeks: number): DateMessage {
  const today = Date.now() / MS_A_DAY;
  const weekday = (Math.floor(today) + 3) % 7;
  const date = new Date((Math.floor(today) - weekday + 7 * weeks) * MS_A_DAY);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/**
 * Expects that the reserved minutes of each week are the sum of its reservations, and at most the member's capacity.
 */
export async function requireNothingOverbooked(database: Database): Promise<void> {
  const wrong = await database.query(`
    SELECT weeks.*, members.weekly_capacity_minutes, sum(reservations.minutes) AS minutes
    FROM member_weeks AS weeks JOIN members ON members.id = weeks.member_id
      LEFT JOIN reservations USING (member_id, week_start_date)
    GROUP BY weeks.member_id, weeks.week_start_date, members.id
    HAVING weeks.reserved_minutes <> coalesce(sum(reservations.minutes), 0)
      OR weeks.reserved_minutes > coalesce(weeks.final_capacity_minutes, members.weekly_capacity_minutes)`);
  expect(wrong).toEqual([]);
}
