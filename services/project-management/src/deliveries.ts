import {
  DeliverProjectRequest,
  DeliverProjectResponse,
  type DeliveryServiceDefinition,
} from '@rondo/contracts/projects/v1/delivery';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { type Task, TaskState } from '@rondo/contracts/projects/v1/tasks';
import type { Reservation } from '@rondo/contracts/projects/v1/team';
import type { Transaction } from '@rondo/database';
import { type Audit, type ResourceContext, readDate } from '@rondo/resources';
import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import type { Handlers } from '@rondo/rpc/server';
import type { FieldAt } from '@rondo/rpc/status';
import { type Operation, operation } from '@rondo/transactions';
import { TeamTooBusy } from './domain/capacity-errors.js';
import { type Allocation, allocate, type Effort, type Offer } from './domain/planning/allocation.js';
import { dateOf, dayNumberOf, mondayOf } from './domain/planning/days.js';
import { errors } from './errors.js';
import { addReserved, lockCapacity } from './member-weeks.js';
import { insertProject, type NewProject, readNewProject } from './new-projects.js';
import { projects } from './projects.js';
import { idOf } from './references.js';
import { reservations } from './reservations.js';
import { createTeamOffers, type TeamOffers } from './team-offers.js';

/** The project to deliver, with its tasks. */
interface Delivery extends NewProject {
  readonly name: string;
  /** The first working day; by default today. */
  readonly startDate: CalendarDate | undefined;
}

/** What deliveries work with. */
interface DeliveryContext {
  readonly newId: () => string;
  readonly now: () => Date;
}

/** Reads the request of a delivery. */
function readDeliverProject(request: DeliverProjectRequest, field: FieldAt): Delivery {
  const { project, tasks } = readNewProject(request, field);
  // The contract has checked the names. A caller of the version before sends none.
  const { quote, order } = request;
  return {
    name: projects.nameOf(request.projectId),
    project: { ...project, quote, order },
    tasks,
    startDate: readDate(field('start_date'), request.startDate),
  };
}

/**
 * The part of project management in the acceptance of a quote, a branch of a distributed transaction. It acts for the service, so no
 * rule on teams applies.
 */
export function deliverOperation({
  audit,
  ...context
}: DeliveryContext & { audit?: Pick<Audit, 'record'> }): Operation {
  return operation(
    { request: DeliverProjectRequest, result: DeliverProjectResponse, read: readDeliverProject },
    async (tx, delivery) => {
      const delivered = await errors.withRpcErrors(deliver(tx, delivery, context));
      await audit?.record(tx, delivered.project);
      return delivered;
    },
  );
}

/** Creates the project of an order that was placed without a quote. It acts for the service, so no rule on teams applies. */
export function deliverOrder({
  database,
  newId,
}: ResourceContext): Handlers<typeof DeliveryServiceDefinition>['onOrderPlaced'] {
  return ({ order }) => {
    const name = projects.nameOf(order.replace('orders/', ''));
    const delivering = database.transaction(async (tx) => {
      // A replayed event comes again.
      if ((await tx.maybeOne('SELECT id FROM projects WHERE id = $1', [idOf(name)])) !== undefined) return {};
      const project = { title: `Delivery of ${order}`, state: ProjectState.PROJECT_STATE_PLANNED, order };
      const tasks = [{ title: 'Deliver', state: TaskState.TASK_STATE_OPEN }];
      await insertProject(tx, name, { project, tasks, newId });
      return {};
    });
    return errors.withRpcErrors(delivering);
  };
}

const HAS_CAPACITY = `
  SELECT EXISTS (SELECT FROM members WHERE delete_time IS NULL AND weekly_capacity_minutes > 0) AS has`;

/**
 * Creates a project with its tasks and reserves the team's time for their effort, as `allocate` spreads it. If the
 * whole team has no capacity, nothing is reserved.
 *
 * @throws UnknownReferences, Taken, TeamTooBusy
 */
async function deliver(
  tx: Transaction,
  { name, startDate: given, ...fields }: Delivery,
  { newId, now }: DeliveryContext,
): Promise<DeliverProjectResponse> {
  // The capacity is locked first, as every reservation and every change of it does.
  await lockCapacity(tx, 'shared');
  const project = await insertProject(tx, name, { ...fields, newId });
  const effort = effortOf(fields.tasks);
  const effortMinutes = [...effort.ofMembers.values()].reduce((sum, minutes) => sum + minutes, effort.unassigned);
  if (effortMinutes === 0 || !(await tx.one<{ has: boolean }>(HAS_CAPACITY)).has) return { project, reservations: [] };
  const startDate = given ?? dateAt(now());
  const allocation = await allocateLocked(createTeamOffers(tx, dayNumberOf(startDate)), effort);
  if (allocation.kind === 'short') {
    const { missingMinutes } = allocation;
    throw new TeamTooBusy(name, { effortMinutes, missingMinutes, from: startDate });
  }
  return { project, reservations: await reserve(tx, name, { shares: allocation.shares, newId }) };
}

const INSERT = `
  INSERT INTO reservations (id, member_id, week_start_date, project_id, minutes)
  SELECT id, member_id, week_start_date, $5, minutes
  FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[]) WITH ORDINALITY
    AS given (id, member_id, week_start_date, minutes, place)
  ORDER BY place RETURNING ${reservations.columns}`;

interface Reserving extends Pick<DeliveryContext, 'newId'> {
  readonly shares: readonly Offer[];
}

/** Reserves time of weeks that are locked. */
async function reserve(tx: Transaction, project: string, { shares, newId }: Reserving): Promise<Reservation[]> {
  const added = shares.map(({ memberId, week, taken }) => ({
    memberId,
    weekStartDate: dateOf(mondayOf(week)),
    minutes: BigInt(taken),
  }));
  await addReserved(tx, added);
  const rows = await tx.query<Record<string, unknown>>(INSERT, [
    added.map(newId),
    added.map(({ memberId }) => memberId),
    added.map(({ weekStartDate }) => weekStartDate),
    added.map(({ minutes }) => minutes),
    idOf(project),
  ]);
  return rows.map(reservations.toResource);
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

function effortOf(tasks: readonly Partial<Task>[]): Effort {
  const ofMembers = new Map<string, number>();
  let unassigned = 0;
  for (const { assignee = '', effortMinutes = 0n } of tasks) {
    const minutes = Number(effortMinutes);
    const memberId = idOf(assignee);
    if (memberId === '') unassigned += minutes;
    else ofMembers.set(memberId, (ofMembers.get(memberId) ?? 0) + minutes);
  }
  return { ofMembers, unassigned };
}
