import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { TeamTooBusy } from '../domain/capacity-errors.js';
import { projectName } from '../domain/names.js';
import { type Allocation, allocate, type Effort, type Offer } from '../domain/planning/allocation.js';
import { dateOf, dayNumberOf, mondayOf } from '../domain/planning/days.js';
import type { DeliveryStore, NewId, Now } from '../domain/ports.js';
import type { Project, ProjectFields, SalesLinks } from '../domain/project.js';
import type { Reservation } from '../domain/reservation.js';
import type { TaskFields } from '../domain/task.js';
import { createTeamOffers, type TeamOffers } from './team-offers.js';

/** The project to deliver, with its tasks. */
export interface DeliverProject {
  readonly projectId: string;
  readonly project: ProjectFields;
  readonly links: SalesLinks;
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
  { projectId, project: fields, links, tasks, startDate = dateAt(now()) }: DeliverProject,
): Promise<Delivery> {
  // The capacity is locked first, as every reservation and every change of it does.
  await store.lockCapacity();
  const newTasks = tasks.map((task) => ({ ...task, id: newId(), projectId }));
  const project = await store.createProject({ ...fields, ...links, id: projectId }, newTasks);
  const effort = effortOf(tasks);
  const effortMinutes = [...effort.ofMembers.values()].reduce((sum, minutes) => sum + minutes, effort.unassigned);
  if (effortMinutes === 0 || !(await store.hasCapacity())) return { project, reservations: [] };
  const allocation = await allocateLocked(createTeamOffers(store, dayNumberOf(startDate)), effort);
  if (allocation.kind === 'short') {
    const { missingMinutes } = allocation;
    throw new TeamTooBusy(projectName(projectId), { effortMinutes, missingMinutes, from: startDate });
  }
  const reservations = allocation.shares.map(({ memberId, week, taken }) => ({
    id: newId(),
    memberId,
    projectId,
    weekStartDate: dateOf(mondayOf(week)),
    minutes: BigInt(taken),
  }));
  return { project, reservations: await store.reserve(reservations) };
}

/**
 * Allocates offers and locks them. It allocates from the minutes that are free now, locks the weeks of that
 * allocation, and allocates again from the locked rows, until all allocated weeks are locked.
 */
async function allocateLocked(offers: TeamOffers, effort: Effort): Promise<Allocation> {
  for (;;) {
    offers.reset();
    const allocation = await allocate(effort, offers);
    if (allocation.kind === 'short' || !(await offers.lock(await weeksToLock(offers, effort, allocation.shares)))) {
      return allocation;
    }
  }
}

/**
 * The offers to lock for an allocation, so that a later one needs only offers after them in the order of locks. If all effort
 * takes offers from one sequence, these are the allocated ones. Otherwise they are all offers that the effort may take
 * up to the last allocated week.
 */
async function weeksToLock(
  offers: TeamOffers,
  { ofMembers, unassigned }: Effort,
  shares: readonly Offer[],
): Promise<readonly Offer[]> {
  if (ofMembers.size + (unassigned > 0 ? 1 : 0) === 1) return shares;
  const lastWeek = shares.at(-1)?.week ?? 0;
  const sequences = unassigned > 0 ? [offers.all()] : [...ofMembers.keys()].map((id) => offers.ofMember(id));
  const wanted: Offer[] = [];
  for (const sequence of sequences) {
    for await (const offer of sequence) {
      if (offer.week > lastWeek) break;
      wanted.push(offer);
    }
  }
  return wanted;
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
