/** Brings the projects of sold deals to their planned state. */
import { mondayOf, toDate, toDay } from './calendar.js';
import { type Clients, type Resource, requestId, unless } from './clients.js';
import { offerOf } from './company.js';
import type { Deal, Fate, PastWeek } from './deals.js';

/** The duration of a project. */
const DAYS = 42;
/** The shortest sequence of states that leads a project to its fate. */
const WAYS: Partial<Record<Fate, readonly string[]>> = {
  planned: ['PLANNED'],
  active: ['PLANNED', 'ACTIVE'],
  done: ['PLANNED', 'ACTIVE', 'DONE'],
  archived: ['PLANNED', 'ARCHIVED'],
};
const TASK_WAY = ['OPEN', 'IN_PROGRESS', 'DONE'];
/** The maximum page size; no project here has more reservations or tasks. */
const PAGE_SIZE = 100;

/** The project of a deal. */
interface Delivery {
  readonly project: string;
  readonly members: readonly Resource[];
  readonly today: number;
}

/**
 * Brings a project to the fate of its deal: assigns and orders its tasks, sets their states, and last sets the project's owner,
 * dates and state. A project with an owner is left as it is: an earlier run has finished it, and it may have changed since.
 */
export async function deliver(
  clients: Clients,
  deal: Deal,
  { project: name, members, today }: Delivery,
): Promise<void> {
  const { projects, team } = clients;
  const project = await projects.getProject({ name });
  if (project.owner !== '') return;
  const filter = `project = "${name}"`;
  const { reservations } = await team.listReservations({ parent: 'members/-', filter, pageSize: PAGE_SIZE });
  const isOver = deal.fate === 'done' || deal.fate === 'archived';
  const crew = deal.crew.flatMap((index) => members[index]?.name ?? []);
  const busy = [...new Set(reservations.map((reservation) => reservation.name.split('/').slice(0, 2).join('/')))];
  await moveTasks(clients, deal, { name, crew: isOver || busy.length === 0 ? crew : busy });
  // A project that is done needs its reservations no more. The service releases those of an archived project itself.
  if (deal.fate === 'done') {
    const from = mondayOf(today);
    for (const reservation of reservations.filter(({ weekStartDate }) => toDay(weekStartDate) >= from))
      await unless(team.deleteReservation({ name: reservation.name }), 'NOT_FOUND');
  }
  await moveProject(clients, deal, { ...project, owner: crew[0] ?? '' });
}

async function moveTasks(
  { tasks, taskStates }: Clients,
  { fate, lines }: Deal,
  { name: parent, crew }: { readonly name: string; readonly crew: readonly string[] },
): Promise<void> {
  const { tasks: made } = await tasks.listTasks({ parent, pageSize: PAGE_SIZE });
  const phases = lines.map(({ sku }) => offerOf(sku).phase);
  for (const [index, { name, state }] of made.entries()) {
    // The work of a line follows all work of the last phase before it.
    const before = Math.max(-1, ...phases.filter((phase) => phase < (phases[index] ?? 0)));
    const dependencies = made.filter((_, other) => phases[other] === before).map((other) => other.name);
    const goal = TASK_WAY.indexOf(goalOf(fate, index, made.length)) + 1;
    const way = TASK_WAY.map((each) => taskStates[`TASK_STATE_${each}`] ?? 0);
    const left = way.slice(way.indexOf(state) + 1, goal);
    for (const next of left.length > 0 ? left : [state]) {
      const task = { name, state: next, assignee: crew[index % crew.length], dependencies };
      await tasks.updateTask({ task, updateMask: ['state', 'assignee', 'dependencies'] });
    }
  }
}

/** The state of a task: in an active project, the first half is done, and the next task is in progress. */
function goalOf(fate: Fate, index: number, count: number): string {
  if (fate === 'planned') return 'OPEN';
  if (fate !== 'active' || index < Math.floor(count / 2)) return 'DONE';
  return index === Math.floor(count / 2) ? 'IN_PROGRESS' : 'OPEN';
}

async function moveProject({ projects, projectStates }: Clients, deal: Deal, { name, state, owner }: Resource) {
  const way = WAYS[deal.fate]?.map((each) => projectStates[`PROJECT_STATE_${each}`] ?? 0) ?? [];
  const end = way.length - 1;
  for (const next of way.slice(way.indexOf(state) + 1, end))
    await projects.updateProject({ project: { name, state: next }, updateMask: ['state'] });
  const [startDate, dueDate] = [toDate(deal.orderDay), toDate(deal.orderDay + DAYS)];
  await projects.updateProject({
    project: { name, state: way[end], owner, startDate, dueDate },
    updateMask: ['state', 'owner', 'start_date', 'due_date'],
  });
}

/** Reserves a member's past week for a project. */
export async function reserve(
  { team }: Clients,
  { key, member, monday, minutes }: PastWeek,
  { project, members }: Omit<Delivery, 'today'>,
): Promise<void> {
  await team.createReservation({
    parent: members[member]?.name,
    reservation: { project, weekStartDate: toDate(monday), minutes },
    requestId: requestId(`${key}, week of ${monday}, ${member}`),
  });
}
