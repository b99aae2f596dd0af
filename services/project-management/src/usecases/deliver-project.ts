import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { TeamTooBusy } from '../domain/capacity-errors.js';
import type { Member } from '../domain/member.js';
import { projectName } from '../domain/names.js';
import { type Allocation, allocate, type Effort, weeksFrom } from '../domain/planning/allocation.js';
import {
  dateOf,
  dayNumberOf,
  freeMinutesOf,
  type MemberTime,
  mondayOf,
  type WeekNumber,
  weekOf,
} from '../domain/planning/days.js';
import type { DeliveryStore, NewId, Now } from '../domain/ports.js';
import type { Project, ProjectFields } from '../domain/project.js';
import type { MemberWeek, Reservation, WeekOfMember } from '../domain/reservation.js';
import type { TaskFields } from '../domain/task.js';

/** The project to deliver, with its tasks. */
export interface DeliverProject {
  readonly projectId: string;
  readonly project: ProjectFields;
  readonly tasks: readonly TaskFields[];
  /** The first working day; by default today. */
  readonly startDate: CalendarDate | undefined;
}

/** The created project and the reserved time. */
export interface Delivery {
  readonly project: Project;
  /** The earliest weeks first. */
  readonly reservations: readonly Reservation[];
}

/** The dependencies of {@link deliverProject}. The store works within a transaction of its caller. */
export interface DeliveryPorts {
  readonly store: DeliveryStore;
  readonly newId: NewId;
  readonly now: Now;
}

/**
 * Creates a project with its tasks and reserves the team's time for their effort, as `allocate` spreads it. If the
 * whole team has no capacity, nothing is reserved. All of it happens in the store's transaction.
 *
 * @throws UnknownReferences, ProjectExists, TeamTooBusy.
 */
export async function deliverProject(
  { store, newId, now }: DeliveryPorts,
  { projectId, project: fields, tasks, startDate = dateAt(now()) }: DeliverProject,
): Promise<Delivery> {
  // The team is locked first: inserting a row that refers to a member would lock that member out of order.
  const team = await store.lockTeam();
  const newTasks = tasks.map((task) => ({ ...task, id: newId(), projectId }));
  const project = await store.createProject({ ...fields, id: projectId }, newTasks);
  const effort = effortOf(tasks);
  const effortMinutes = [...effort.ofMembers.values()].reduce((sum, minutes) => sum + minutes, effort.unassigned);
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
 * Allocates weeks and locks them. It allocates from the present reservations, locks the weeks of that allocation, and
 * allocates again from the reservations that it reads under the locks. If the new allocation needs later weeks, it
 * locks those too, and so on. All deliveries lock weeks in ascending order, so they can't deadlock.
 */
async function allocateLocked(store: DeliveryStore, { team, effort, startDate }: Need): Promise<Allocation> {
  const firstDay = dayNumberOf(startDate);
  const weeks = weeksFrom(firstDay);
  const [first = 0, last = 0] = [weeks[0], weeks.at(-1)];
  const reserved = new Map(team.map(({ id }) => [id, new Map<WeekNumber, number>()]));
  const setReserved = (known: readonly MemberWeek[]): void => {
    for (const { memberId, weekStartDate, reservedMinutes } of known) {
      reserved.get(memberId)?.set(weekOf(dayNumberOf(weekStartDate)), Number(reservedMinutes));
    }
  };
  const times = team.map(({ id, weeklyCapacityMinutes }) => ({
    memberId: id,
    weeklyCapacityMinutes: Number(weeklyCapacityMinutes),
    reservedMinutes: reserved.get(id) ?? new Map<WeekNumber, number>(),
  }));

  setReserved(await store.reservedWeeks({ from: dateOf(mondayOf(first)), to: dateOf(mondayOf(last)) }));
  for (let lockedUntil = first; ; ) {
    const allocation = allocate(effort, { team: times, firstDay });
    if (allocation.kind === 'short') return allocation;
    const end = allocation.shares.reduce((latest, { week }) => Math.max(latest, week), 0) + 1;
    if (end <= lockedUntil) return allocation;
    setReserved(await store.lockWeeks(freeWeeks(times, weeks, { from: lockedUntil, to: end })));
    lockedUntil = end;
  }
}

/** The weeks with free minutes, from `from` up to but not including `to`. */
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
  let unassigned = 0;
  for (const { assigneeId, effortMinutes } of tasks) {
    const minutes = Number(effortMinutes);
    if (assigneeId === undefined) unassigned += minutes;
    else ofMembers.set(assigneeId, (ofMembers.get(assigneeId) ?? 0) + minutes);
  }
  return { ofMembers, unassigned };
}
