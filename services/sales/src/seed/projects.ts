/** Brings the projects of sold deals to their planned state. */
import { type Project, ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import type { Member } from '@rondo/contracts/projects/v1/team';
import { mondayOf, toDate, toDay } from './calendar.js';
import { type Clients, requestId, unless } from './clients.js';
import { offerOf } from './company.js';
import type { Deal, Fate, PastWeek } from './deals.js';

/** The duration of a project. */
const DAYS = 42;
const { PROJECT_STATE_PLANNED, PROJECT_STATE_ACTIVE, PROJECT_STATE_DONE, PROJECT_STATE_ARCHIVED } = ProjectState;
/** The shortest sequence of states that leads a project to its fate. */
const WAYS: Partial<Record<Fate, readonly ProjectState[]>> = {
  planned: [PROJECT_STATE_PLANNED],
  active: [PROJECT_STATE_PLANNED, PROJECT_STATE_ACTIVE],
  done: [PROJECT_STATE_PLANNED, PROJECT_STATE_ACTIVE, PROJECT_STATE_DONE],
  archived: [PROJECT_STATE_PLANNED, PROJECT_STATE_ARCHIVED],
};
const { TASK_STATE_OPEN, TASK_STATE_IN_PROGRESS, TASK_STATE_DONE } = TaskState;
const TASK_WAY = [TASK_STATE_OPEN, TASK_STATE_IN_PROGRESS, TASK_STATE_DONE];
/** The maximum page size; no project here has more reservations or tasks. */
const PAGE_SIZE = 100;

/** The project of a deal. */
interface Delivery {
  readonly project: string;
  readonly members: readonly Member[];
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
    for (const reservation of reservations.filter((one) => one.weekStartDate && toDay(one.weekStartDate) >= from))
      await unless(team.deleteReservation({ name: reservation.name }), 'NOT_FOUND');
  }
  await moveProject(clients, deal, { ...project, owner: crew[0] ?? '' });
}

async function moveTasks(
  { tasks }: Clients,
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
    const left = TASK_WAY.slice(TASK_WAY.indexOf(state) + 1, goal);
    for (const next of left.length > 0 ? left : [state]) {
      const task = { name, state: next, assignee: crew[index % crew.length] ?? '', dependencies };
      await tasks.updateTask({ task, updateMask: ['state', 'assignee', 'dependencies'] });
    }
  }
}

/** The state of a task: in an active project, the first half is done, and the next task is in progress. */
function goalOf(fate: Fate, index: number, count: number): TaskState {
  if (fate === 'planned') return TASK_STATE_OPEN;
  if (fate !== 'active' || index < Math.floor(count / 2)) return TASK_STATE_DONE;
  return index === Math.floor(count / 2) ? TASK_STATE_IN_PROGRESS : TASK_STATE_OPEN;
}

async function moveProject({ projects }: Clients, deal: Deal, { name, state, owner }: Project) {
  const way = WAYS[deal.fate] ?? [];
  const end = way.length - 1;
  for (const next of way.slice(way.indexOf(state) + 1, end))
    await projects.updateProject({ project: { name, state: next }, updateMask: ['state'] });
  const [startDate, dueDate] = [toDate(deal.orderDay), toDate(deal.orderDay + DAYS)];
  await projects.updateProject({
    project: { name, state: way[end] ?? state, owner, startDate, dueDate },
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
    parent: members[member]?.name ?? '',
    reservation: { project, weekStartDate: toDate(monday), minutes },
    requestId: requestId(`${key}, week of ${monday}, ${member}`),
  });
}
