import { type CalendarDate, WrongState } from '@rondo/resources/domain';

/** A week of a member with its reserved minutes. */
export interface ReservedWeek {
  readonly weekStartDate: CalendarDate;
  readonly reservedMinutes: bigint;
}

/** A reservation asks for more minutes than are free. */
export class TooLittleFree extends WrongState {
  override readonly rule = 'CAPACITY';

  constructor(member: string, week: ReservedWeek & { readonly capacityMinutes: bigint }, askedMinutes: bigint) {
    const { weekStartDate, capacityMinutes, reservedMinutes } = week;
    super(
      member,
      `${member} has ${capacityMinutes - reservedMinutes} of ${capacityMinutes} minutes free in the week of ` +
        `${weekStartDate}, and ${askedMinutes} are asked for; ask for less, take a week with more (ListMemberWeeks), ` +
        'or release a reservation (DeleteReservation)',
    );
  }
}

/** The most weeks that a message names. */
const NAMED_WEEKS = 5;

/** The new capacity is less than the reserved minutes of a week that isn't over. */
export class MoreReserved extends WrongState {
  override readonly rule = 'CAPACITY';

  /** @param weeks the weeks with more reserved minutes, the earliest first. */
  constructor(member: string, capacityMinutes: bigint, weeks: readonly ReservedWeek[]) {
    super(
      member,
      `more than ${capacityMinutes} minutes of ${member} are reserved in the weeks of ${nameWeeks(weeks)}; release ` +
        'reservations (DeleteReservation), or choose a larger capacity',
    );
  }
}

/** A member with reservations can't be deleted. */
export class StillReserved extends WrongState {
  override readonly rule = 'CAPACITY';

  /** @param weeks the weeks with reservations that aren't over, the earliest first. */
  constructor(member: string, weeks: readonly ReservedWeek[]) {
    super(
      member,
      `time of ${member} is reserved in the weeks of ${nameWeeks(weeks)}; release it first (DeleteReservation)`,
    );
  }
}

/** The team has too little free time for a delivery. */
export class TeamTooBusy extends WrongState {
  override readonly rule = 'CAPACITY';

  constructor(
    project: string,
    shortage: { readonly effortMinutes: number; readonly missingMinutes: number; readonly from: CalendarDate },
  ) {
    const { effortMinutes, missingMinutes, from } = shortage;
    super(
      project,
      `${project} takes ${effortMinutes} minutes of work, and ${missingMinutes} of them don't fit into the free time of ` +
        `the team in the 104 weeks from ${from}; add capacity (UpdateMember), or release reservations (DeleteReservation)`,
    );
  }
}

function nameWeeks(weeks: readonly ReservedWeek[]): string {
  const named = weeks
    .slice(0, NAMED_WEEKS)
    .map(({ weekStartDate, reservedMinutes }) => `${weekStartDate} (${reservedMinutes})`);
  const others = weeks.length - named.length;
  return others > 0 ? `${named.join(', ')} and ${others} more` : named.join(', ');
}
