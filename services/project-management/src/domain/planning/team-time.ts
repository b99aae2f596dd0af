import type { WeekNumber } from './days.js';

/** What a plan knows of a member's time. */
export interface MemberTime {
  readonly memberId: string;
  readonly weeklyCapacityMinutes: number;
  /** What is taken of a week already; a week that is missing is free. */
  readonly reservedMinutes: ReadonlyMap<WeekNumber, number>;
}

/** What is free of a member's week, in minutes. */
export function freeMinutesOf({ weeklyCapacityMinutes, reservedMinutes }: MemberTime, week: WeekNumber): number {
  return Math.max(0, weeklyCapacityMinutes - (reservedMinutes.get(week) ?? 0));
}
