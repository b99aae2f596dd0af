import type { Transaction } from '@rondo/database';
import { freeOf, type MemberWeek } from './domain/member-week.js';
import { freeFrom, type Offer, type Offers, weeksFrom } from './domain/planning/allocation.js';
import { type DayNumber, dateOf, dayNumberOf, mondayOf, type WeekNumber, weekOf } from './domain/planning/days.js';
import { type FreeWeek, lockWeeks, readFreeWeeks } from './member-weeks.js';

/** The free minutes of the team during one delivery. */
export interface TeamOffers extends Offers {
  /** Forgets the allocation. */
  reset(): void;
  /** Locks the offers that aren't locked, and corrects their free minutes. Returns whether it locked one. */
  lock(offers: readonly Offer[]): Promise<boolean>;
}

/** Few members are needed in a week. Four times as many are read next, if these have too few free minutes, and so on. */
const MEMBERS_AT_ONCE = 50;
/** The weeks that are read at once: first one, then four times as many each time. */
const MOST_WEEKS_AT_ONCE = 16;

/** Reads the free minutes of the team from a day on, a few weeks at a time. */
export function createTeamOffers(tx: Transaction, firstDay: DayNumber): TeamOffers {
  const known = new Map<string, Offer>();
  const locked = new Set<Offer>();
  const streams = new Map<string | undefined, () => AsyncIterable<Offer>>();

  const remember = (week: FreeWeek): Offer => {
    const key = keyOf(week);
    const present = known.get(key);
    if (present !== undefined) return present;
    const { memberId, memberSequence } = week;
    const offer = { memberId, memberSequence, week: numberOf(week), free: free(week, firstDay), taken: 0 };
    known.set(key, offer);
    return offer;
  };
  const stream = (memberId: string | undefined) => {
    const present = streams.get(memberId) ?? repeatable(readOffers(tx, { firstDay, memberId }), remember);
    streams.set(memberId, present);
    return present();
  };
  return {
    ofMember: stream,
    all: () => stream(undefined),
    reset() {
      for (const offer of known.values()) offer.taken = 0;
    },
    async lock(offers) {
      const missing = offers.filter((offer) => !locked.has(offer));
      if (missing.length === 0) return false;
      const weeks = missing.map(({ memberId, week }) => ({ memberId, weekStartDate: dateOf(mondayOf(week)) }));
      for (const week of await lockWeeks(tx, weeks)) {
        const offer = known.get(keyOf(week));
        if (offer === undefined) throw new Error('a week was locked that no offer is of');
        offer.free = free(week, firstDay);
        locked.add(offer);
      }
      return true;
    },
  };
}

interface Reading {
  readonly firstDay: DayNumber;
  /** Undefined for all members. */
  readonly memberId: string | undefined;
}

/** Reads weeks with free minutes in the order of offers. */
async function* readOffers(tx: Transaction, { firstDay, memberId }: Reading): AsyncGenerator<FreeWeek> {
  // On a weekend nothing is left of the first week.
  const weeks = weeksFrom(firstDay).filter((week) => freeFrom(Number.MAX_SAFE_INTEGER, week, firstDay) > 0);
  const mondays = weeks.map((week) => dateOf(mondayOf(week)));
  let count = memberId === undefined ? 1 : mondays.length;
  for (let at = 0; at < mondays.length; ) {
    const chunk = mondays.slice(at, at + count);
    const first = await readFreeWeeks(tx, { mondays: chunk, memberId, after: 0n, limit: MEMBERS_AT_ONCE });
    for (const monday of chunk) {
      let limit = MEMBERS_AT_ONCE;
      let page: readonly FreeWeek[] = first.filter(({ weekStartDate }) => weekStartDate === monday);
      yield* page;
      for (let last = page.at(-1); last !== undefined && page.length === limit; last = page.at(-1)) {
        limit *= 4;
        page = await readFreeWeeks(tx, { mondays: [monday], memberId, after: last.memberSequence, limit });
        yield* page;
      }
    }
    at += count;
    count = Math.min(4 * count, MOST_WEEKS_AT_ONCE);
  }
}

/** Makes a sequence that can be gone through again. It reads on only where it hasn't been before. */
function repeatable<T, R>(source: AsyncGenerator<T>, convert: (item: T) => R): () => AsyncIterable<R> {
  const seen: R[] = [];
  return async function* () {
    let at = 0;
    for (;;) {
      for (; at < seen.length; at += 1) yield* seen.slice(at, at + 1);
      const next = await source.next();
      if (next.done === true) return;
      seen.push(convert(next.value));
    }
  };
}

function keyOf({ memberId, weekStartDate }: MemberWeek): string {
  return `${weekStartDate} ${memberId}`;
}

function numberOf({ weekStartDate }: MemberWeek): WeekNumber {
  return weekOf(dayNumberOf(weekStartDate));
}

function free(week: MemberWeek, firstDay: DayNumber): number {
  return freeFrom(Math.max(0, Number(freeOf(week))), numberOf(week), firstDay);
}
