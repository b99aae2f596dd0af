import type { CalendarDate } from './calendar-date.js';
import { WrongState } from './errors.js';

/** A member who was deleted was to change, or to work. */
export class MemberDeleted extends WrongState {
  override readonly name = 'MemberDeleted';

  constructor(member: string) {
    super(member, `${member} is deleted; bring it back with UndeleteMember first`);
  }
}

/** A week of a member and what is reserved of it. */
export interface ReservedWeek {
  readonly weekStartDate: CalendarDate;
  readonly reservedMinutes: bigint;
}

/** More is asked for than is free. */
export class TooLittleFree extends WrongState {
  override readonly name = 'TooLittleFree';
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

/** How many weeks a message names. */
const NAMED_WEEKS = 5;

/** A capacity was asked for that is less than what is reserved of weeks that aren't over. */
export class MoreReserved extends WrongState {
  override readonly name = 'MoreReserved';
  override readonly rule = 'CAPACITY';

  /** `weeks` are those that have more, the earliest first. */
  constructor(member: string, capacityMinutes: bigint, weeks: readonly ReservedWeek[]) {
    super(
      member,
      `more than ${capacityMinutes} minutes of ${member} are reserved in the weeks of ${nameWeeks(weeks)}; release ` +
        'reservations (DeleteReservation), or keep more capacity',
    );
  }
}

/** A member whose time is reserved was to be deleted. */
export class StillReserved extends WrongState {
  override readonly name = 'StillReserved';
  override readonly rule = 'CAPACITY';

  /** `weeks` are those that aren't over and have reservations, the earliest first. */
  constructor(member: string, weeks: readonly ReservedWeek[]) {
    super(
      member,
      `time of ${member} is reserved in the weeks of ${nameWeeks(weeks)}; release it first (DeleteReservation)`,
    );
  }
}

/** What a delivery takes isn't free. */
export class TeamTooBusy extends WrongState {
  override readonly name = 'TeamTooBusy';
  override readonly rule = 'CAPACITY';

  constructor(
    project: string,
    shortage: { readonly effortMinutes: number; readonly missingMinutes: number; readonly from: CalendarDate },
  ) {
    const { effortMinutes, missingMinutes, from } = shortage;
    super(
      project,
      `${project} takes ${effortMinutes} minutes of work, and for ${missingMinutes} of them nobody who may do them has ` +
        `time free in the 104 weeks from ${from}; add capacity (UpdateMember), or release reservations (DeleteReservation)`,
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
