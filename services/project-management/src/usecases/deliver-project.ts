import type { CalendarDate } from '../domain/calendar-date.js';
import { TeamTooBusy } from '../domain/capacity-errors.js';
import type { Member } from '../domain/member.js';
import { projectName } from '../domain/names.js';
import { type Allocation, allocate, type Effort, weeksFrom } from '../domain/planning/allocation.js';
import { dateAt, dateOf, dayNumberOf, mondayOf, type WeekNumber, weekOf, freeMinutesOf, type MemberTime } from '../domain/planning/days.js';
import type { NewId, Now } from '../domain/ports.js';
import type { Project, ProjectFields } from '../domain/project.js';
import type { MemberWeek, Reservation, WeekOfMember } from '../domain/reservation.js';
import type { TaskFields } from '../domain/task.js';
import type { DeliveryStore } from '../domain/team-ports.js';

/** What was sold. */
export interface DeliverProject {
  readonly projectId: string;
  readonly project: ProjectFields;
  readonly tasks: readonly TaskFields[];
  /** The first day that can be worked on; today where it is undefined. */
  readonly startDate: CalendarDate | undefined;
}

/** What came of it. */
export interface Delivery {
  readonly project: Project;
  /** The earliest weeks first. */
  readonly reservations: readonly Reservation[];
}

/** What a delivery reaches: a store within the transaction that it is a part of. */
export interface DeliveryPorts {
  readonly store: DeliveryStore;
  readonly newId: NewId;
  readonly now: Now;
}

/**
 * Creates a project with its tasks and reserves the team's time for their effort as `allocate` spreads it, where the team
 * has any capacity at all. All of it happens in the store's transaction.
 *
 * @throws UnknownReferences, ProjectExists, TeamTooBusy.
 */
export async function deliverProject(
  { store, newId, now }: DeliveryPorts,
  { projectId, project: fields, tasks, startDate = dateAt(now()) }: DeliverProject,
): Promise<Delivery> {
  // The team comes first, as a row that refers to a member would hold them before.
  const team = await store.lockTeam();
  const newTasks = tasks.map((task) => ({ ...task, id: newId(), projectId }));
  const project = await store.createProject({ ...fields, id: projectId }, newTasks);
  const effort = effortOf(tasks);
  const effortMinutes = [...effort.ofMembers.values()].reduce((sum, minutes) => sum + minutes, effort.ofAnybody);
  if (effortMinutes === 0 || team.every(({ weeklyCapacityMinutes }) => weeklyCapacityMinutes === 0n)) {
    return { project, reservations: [] };
  }
  const allocation = await allocateLocked(store, { team, effort, startDate });
  if (allocation.kind === 'short') {
    const { missingMinutes } = allocation;
    throw new TeamTooBusy(projectName(projectId), { effortMinutes, missingMinutes, from: startDate });
  }
  const reservations = allocation.shares.map(({ memberId, week, minutes }) => ({
    id: newId(),
    memberId,
    projectId,
    weekStartDate: dateOf(mondayOf(week)),
    minutes: BigInt(minutes),
  }));
  return { project, reservations: await store.reserve(reservations) };
}

interface Need {
  readonly team: readonly Member[];
  readonly effort: Effort;
  readonly startDate: CalendarDate;
}

/**
 * An allocation of weeks that nobody else can take any more. What is planned by what others have reserved is locked, and
 * planned again by what the locks show; where that goes on into later weeks, they are locked, too. Weeks are only ever
 * added at the end, so that deliveries lock them all in one order and none waits for another in a circle.
 */
async function allocateLocked(store: DeliveryStore, { team, effort, startDate }: Need): Promise<Allocation> {
  const firstDay = dayNumberOf(startDate);
  const weeks = weeksFrom(firstDay);
  const [first = 0, last = 0] = [weeks[0], weeks.at(-1)];
  const reserved = new Map(team.map(({ id }) => [id, new Map<WeekNumber, number>()]));
  const note = (known: readonly MemberWeek[]): void => {
    for (const { memberId, weekStartDate, reservedMinutes } of known) {
      reserved.get(memberId)?.set(weekOf(dayNumberOf(weekStartDate)), Number(reservedMinutes));
    }
  };
  const times = team.map(({ id, weeklyCapacityMinutes }) => ({
    memberId: id,
    weeklyCapacityMinutes: Number(weeklyCapacityMinutes),
    reservedMinutes: reserved.get(id) ?? new Map<WeekNumber, number>(),
  }));

  note(await store.reservedWeeks({ from: dateOf(mondayOf(first)), to: dateOf(mondayOf(last)) }));
  for (let lockedUntil = first; ; ) {
    const allocation = allocate(effort, { team: times, firstDay });
    if (allocation.kind === 'short') return allocation;
    const end = allocation.shares.reduce((latest, { week }) => Math.max(latest, week), 0) + 1;
    if (end <= lockedUntil) return allocation;
    note(await store.lockWeeks(freeWeeks(times, weeks, { from: lockedUntil, to: end })));
    lockedUntil = end;
  }
}

/** The weeks of which something is free; `to` isn't among them any more. */
function freeWeeks(
  team: readonly MemberTime[],
  weeks: readonly WeekNumber[],
  { from, to }: { readonly from: WeekNumber; readonly to: WeekNumber },
): readonly WeekOfMember[] {
  return weeks
    .filter((week) => week >= from && week < to)
    .flatMap((week) =>
      team
        .filter((member) => freeMinutesOf(member, week) > 0)
        .map(({ memberId }) => ({ memberId, weekStartDate: dateOf(mondayOf(week)) })),
    );
}

function effortOf(tasks: readonly TaskFields[]): Effort {
  const ofMembers = new Map<string, number>();
  let ofAnybody = 0;
  for (const { assigneeId, effortMinutes } of tasks) {
    const minutes = Number(effortMinutes);
    if (assigneeId === undefined) ofAnybody += minutes;
    else ofMembers.set(assigneeId, (ofMembers.get(assigneeId) ?? 0) + minutes);
  }
  return { ofMembers, ofAnybody };
}
