import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import { createStoreDatabase } from '@rondo/resources/sql';
import { createCalculator } from '../src/adapters/calculator.js';
import { createPlanStore } from '../src/adapters/plan-store.js';
import { estimateProject } from '../src/usecases/estimate-project.js';
import { addMember, addProject, type Company, startCompany } from './company.js';
import { monday } from './weeks.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

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
  const estimateOf = (maxPlanned: number) => {
    const plans = createPlanStore(database, { maxPlanned });
    return estimateProject({ plans, calculator, now: () => new Date() }, parent.replace('projects/', ''));
  };
  const totals = { totalEffortMinutes: 105n, remainingEffortMinutes: 100n, taskCount: 4n };
  expect(await estimateOf(3)).toMatchObject({ ...totals, criticalPathMinutes: 60n });
  company.calculator.sums.length = 0;
  const withoutPlan = { criticalPath: [], criticalPathMinutes: 0n, finishDate: undefined };
  expect(await estimateOf(2)).toEqual({ ...totals, ...withoutPlan });
  expect(new Set(company.calculator.sums.map((values) => values.length))).toEqual(new Set([3, 2]));
});
