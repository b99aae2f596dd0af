import { describe, expect, it } from '@jest/globals';
import { BadRequest, PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { createStoreDatabase } from '@rondo/resources/sql';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { createCalculator } from '../src/calculator.js';
import { estimateProject } from '../src/estimates.js';
import { addMember, addProject, holdRow, testCompany } from './company.js';
import { monday } from './weeks.js';

const company = testCompany();

it('an estimate has the critical path and the finish date that the capacity allows', async () => {
  const owner = await addMember(company);
  const other = await addProject(company);
  const { name: parent } = await company.projects.createProject({
    project: { title: 'Planned', startDate: monday(2) },
  });
  const add = (taskId: string, effortMinutes: bigint, dependencies: string[] = []) =>
    company.tasks.createTask({
      parent,
      taskId,
      task: { title: taskId, effortMinutes, dependencies: dependencies.map((id) => `${parent}/tasks/${id}`) },
    });
  await add('design', 480n);
  await add('write', 960n, ['design']);
  await add('print', 240n);
  await add('cut', 60n, ['design']);
  const { name: cancelled } = await add('cancelled', 9999n, ['write']);
  await company.tasks.updateTask({ task: { name: cancelled, state: TaskState.TASK_STATE_CANCELLED } });

  const estimate = await company.projects.estimateProject({ name: parent });
  expect(estimate).toMatchObject({ totalEffortMinutes: 1740n, criticalPathMinutes: 1440n });
  expect(estimate.criticalPath).toEqual([`${parent}/tasks/design`, `${parent}/tasks/write`]);
  const { year, month, day } = monday(2);
  const thursday = new Date(Date.UTC(year, month - 1, day + 3));
  const toDate = (date: Date) => ({
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
  });
  expect(estimate.finishDate).toEqual(toDate(thursday));

  const reserve = (project: string, minutes: bigint) =>
    company.team.createReservation({ parent: owner, reservation: { project, weekStartDate: monday(2), minutes } });
  await reserve(parent, 1000n);
  expect((await company.projects.estimateProject({ name: parent })).finishDate).toEqual(toDate(thursday));
  await reserve(other.name, 1400n);
  const later = new Date(Date.UTC(year, month - 1, day + 7 + 1));
  expect((await company.projects.estimateProject({ name: parent })).finishDate).toEqual(toDate(later));
});

it('an estimate of too many tasks has only totals, and sends the calculator one number per state', async () => {
  const { name: parent } = await addProject(company, 'Vast');
  const add = (title: string, state: TaskState, effortMinutes: bigint) =>
    company.tasks.createTask({ parent, task: { title, state, effortMinutes } });
  await add('first', TaskState.TASK_STATE_OPEN, 60n);
  await add('second', TaskState.TASK_STATE_OPEN, 30n);
  await add('begun', TaskState.TASK_STATE_IN_PROGRESS, 10n);
  const { name: done } = await add('done', TaskState.TASK_STATE_IN_PROGRESS, 5n);
  await company.tasks.updateTask({ task: { name: done, state: TaskState.TASK_STATE_DONE } });
  const { name: cancelled } = await add('cancelled', TaskState.TASK_STATE_OPEN, 7n);
  await company.tasks.updateTask({ task: { name: cancelled, state: TaskState.TASK_STATE_CANCELLED } });

  const database = createStoreDatabase(company.database, () => undefined);
  const calculator = createCalculator(company.calculator.channel);
  const estimateOf = (maxPlanned: number) =>
    estimateProject({ database, calculator, maxPlanned, now: () => new Date() }, { name: parent });
  const totals = { totalEffortMinutes: 105n, remainingEffortMinutes: 100n, taskCount: 4n };
  expect(await estimateOf(3)).toMatchObject({ ...totals, criticalPathMinutes: 60n });
  company.calculator.sums.length = 0;
  const withoutPlan = { criticalPath: [], criticalPathMinutes: 0n, finishDate: undefined };
  expect(await estimateOf(2)).toEqual({ ...totals, ...withoutPlan });
  expect(new Set(company.calculator.sums.map((values) => values.length))).toEqual(new Set([3, 2]));
});

/** Creates a project with tasks. `a b:a c:a,b` are their ids, each with its dependencies after the colon. */
async function addTasks(text: string) {
  const { name: parent } = await addProject(company);
  const nameOf = (id: string) => `${parent}/tasks/${id}`;
  const requests = text.split(' ').map((part) => {
    const [taskId = '', on = ''] = part.split(':');
    return { taskId, task: { title: taskId, dependencies: on === '' ? [] : on.split(',').map(nameOf) } };
  });
  await company.tasks.batchCreateTasks({ parent, requests });
  const rewire = (id: string, on: readonly string[], client = company.tasks) =>
    client.updateTask({
      task: { name: nameOf(id), dependencies: on.map(nameOf) },
      updateMask: ['dependencies'],
    });
  return { parent, nameOf, rewire };
}

describe('dependencies', () => {
  it('keep their order, stay if other fields change, and can be replaced and cleared, which changes the task', async () => {
    const { parent, nameOf, rewire } = await addTasks('a b c:b,a');
    const created = await company.tasks.getTask({ name: nameOf('c') });
    expect(created.dependencies).toEqual([nameOf('b'), nameOf('a')]);
    const renamed = await company.tasks.updateTask({ task: { name: nameOf('c'), title: 'New' } });
    expect((await company.tasks.listTasks({ parent })).tasks[2]).toEqual(renamed);
    expect(renamed.dependencies).toEqual(created.dependencies);
    const turned = await rewire('c', ['a', 'b']);
    expect(turned.dependencies).toEqual([nameOf('a'), nameOf('b')]);
    expect(turned.etag).not.toBe(renamed.etag);
    expect(await rewire('c', ['a', 'b'])).toEqual(turned);
    const cleared = await rewire('c', []);
    expect(cleared.dependencies).toEqual([]);
    expect(await company.tasks.getTask({ name: nameOf('c') })).toEqual(cleared);
  });

  it('on itself, or in a circle of any length, are FAILED_PRECONDITION naming the circle', async () => {
    const { parent, nameOf, rewire } = await addTasks('a b:a c:b d:c e:a');
    const closed = await failureOf(rewire('a', ['d']));
    expect(closed.code).toBe(Status.FAILED_PRECONDITION);
    expect(closed.message).toContain(`tasks of ${parent} would depend on each other in a circle: `);
    expect(closed.message).toContain('a → d → c → b → a');
    expect(closed.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'DEPENDENCY' }]);
    expect((await failureOf(rewire('a', ['a']))).message).toContain('a → a;');
    expect((await company.tasks.getTask({ name: nameOf('a') })).dependencies).toEqual([]);
    await rewire('d', ['c', 'e']); // two ways to the same task are no circle
  });

  it('that would form a circle together are never both stored', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { parent, rewire } = await addTasks('a b c');
      const held = await holdRow(company, 'projects', parent);
      const writers = [
        rewire('a', ['b']),
        rewire('b', ['c'], company.tasksElsewhere),
        rewire('c', ['a'], company.tasksElsewhere),
      ];
      const outcomes = Promise.allSettled(writers);
      await held.waitedForBy(3);
      await held.release();
      const refused = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(refused.map(({ code }) => code)).toEqual([Status.FAILED_PRECONDITION]);
    }
  });

  it('that are unknown, deleted, of another project, malformed, duplicate or too many are all reported at once', async () => {
    const { parent, nameOf } = await addTasks('a b gone');
    await company.tasks.deleteTask({ name: nameOf('gone') });
    const create = (dependencies: string[]) =>
      failureOf(company.tasks.createTask({ parent, task: { title: 'T', dependencies } }));
    const unknown = await create([nameOf('a'), nameOf('gone'), nameOf('none')]);
    expect(unknown.code).toBe(Status.INVALID_ARGUMENT);
    expect(unknown.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'task.dependencies[1]',
      'task.dependencies[2]',
    ]);
    expect(unknown.message).toContain(`${nameOf('gone')} doesn't exist, or is deleted`);
    const malformed = await create(['projects/other/tasks/a', 'a', nameOf('b'), nameOf('b')]);
    expect(malformed.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'task.dependencies',
      'task.dependencies[1]',
      'task.dependencies[0]',
    ]);
    const many = Array.from({ length: 101 }, (_, index) => nameOf(`t${index}`));
    expect((await create(many)).message).toContain('task.dependencies: must contain no more than 100 items');
  });

  it('are refused for the first tasks of a project, which have no names yet', async () => {
    const tasks = [{ title: 'T', dependencies: ['projects/p/tasks/t'] }];
    const failure = await failureOf(company.projects.createProject({ project: { title: 'P' }, tasks }));
    expect(failure.message).toContain('tasks[0].dependencies: must be empty');
  });

  it('are searched for circles beyond the first budget of the search', async () => {
    const { parent, rewire } = await addTasks('first last');
    const id = parent.replace('projects/', '');
    await company.database.query(
      `INSERT INTO tasks (project_id, id, title, state, effort_minutes, create_time, update_time)
       SELECT $1, 'chain-' || n, 'T', 'OPEN', 1, now(), now() FROM generate_series(1, 5000) AS n`,
      [id],
    );
    await company.database.query(
      `INSERT INTO task_dependencies (project_id, task_id, depends_on_id, place)
       SELECT $1, 'chain-' || n, 'chain-' || n - 1, 1 FROM generate_series(2, 5000) AS n`,
      [id],
    );
    await rewire('first', ['chain-5000']);
    await rewire('chain-1', ['last']);
    const failure = await failureOf(rewire('last', ['first']));
    expect(failure.message).toContain('4993 more → last;');
    expect(failure.message).toContain('last → first → chain-5000 → chain-4999');
  });
});
