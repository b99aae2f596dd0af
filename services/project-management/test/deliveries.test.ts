import { describe, expect, it } from '@jest/globals';
import { BadRequest, PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { DeliverProjectRequest } from '@rondo/contracts/projects/v1/delivery';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, testCompany } from './company.js';
import { deliver } from './deliver.js';
import { monday, requireNothingOverbooked } from './weeks.js';

const company = testCompany();
const members: string[] = [];

interface Sold {
  readonly quote?: string;
  readonly order?: string;
  readonly projectId: string;
  readonly minutes: readonly bigint[];
  readonly assignee?: string;
}

/** A delivery from next week on, in its own transaction. It isn't retried, so a deadlock would fail the test. */
function sell({ projectId, minutes, assignee = '', quote = '', order = '' }: Sold) {
  const tasks = minutes.map((effortMinutes, index) => ({ title: `Task ${index}`, effortMinutes, assignee }));
  const request = DeliverProjectRequest.fromPartial({
    projectId,
    project: { title: 'Sold' },
    tasks,
    startDate: monday(1),
    quote,
    order,
  });
  return company.database.transaction((transaction) => deliver(transaction, request), { attempts: 1 });
}

/**
 * Retries an idempotent call whose deadline has passed, as may happen on a busy machine. A deadlock has another status.
 */
async function inTime<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  return await call().catch((error: unknown) =>
    error instanceof RpcError && error.code === Status.DEADLINE_EXCEEDED ? inTime(call) : Promise.reject(error),
  );
}

describe('an order without a quote', () => {
  it('becomes a project with a task, once for each order', async () => {
    const event = { order: 'orders/42', customer: 'customers/1' };
    for (const key of ['event-1', 'event-1', 'event-2'])
      await company.deliveries.onOrderPlaced(event, { metadata: { 'idempotency-key': key } });
    expect(await company.projects.getProject({ name: 'projects/42' })).toMatchObject({ order: 'orders/42', quote: '' });
    expect((await company.tasks.listTasks({ parent: 'projects/42' })).tasks).toMatchObject([{ title: 'Deliver' }]);
  });
});

describe('a delivery', () => {
  it('reserves nothing while the team has no capacity at all', async () => {
    members.push(await addMember(company, 0n), await addMember(company, 0n));
    const { project, reservations } = await sell({ projectId: 'early', minutes: [500n] });
    expect(project?.name).toBe('projects/early');
    expect(reservations).toEqual([]);
    for (const name of members) await company.team.updateMember({ member: { name, weeklyCapacityMinutes: 1000n } });
  });

  it('creates a project with its tasks, and reserves the earliest free weeks of the team', async () => {
    const [ada = '', bob = ''] = members;
    const { reservations } = await sell({ projectId: 'first', minutes: [1500n, 700n, 0n] });
    expect(reservations.map(({ name, minutes, weekStartDate }) => [memberOf(name), minutes, weekStartDate])).toEqual([
      [ada, 1000n, monday(1)],
      [bob, 1000n, monday(1)],
      [ada, 200n, monday(2)],
    ]);
    const { tasks } = await company.tasks.listTasks({ parent: 'projects/first' });
    expect(tasks.map(({ title }) => title)).toEqual(['Task 0', 'Task 1', 'Task 2']);
    const second = await sell({ projectId: 'second', minutes: [100n], assignee: bob });
    expect(second.reservations).toMatchObject([
      { project: 'projects/second', minutes: 100n, weekStartDate: monday(2) },
    ]);
    expect(memberOf(second.reservations[0]?.name ?? '')).toBe(bob);
  });

  it('does nothing if too little time is free, and reports how much is missing', async () => {
    const failure = await failureOf(sell({ projectId: 'huge', minutes: [10_000_000n] }));
    expect(failure.code).toBe(Status.FAILED_PRECONDITION);
    // Two members have 1,000 minutes in each of 104 weeks, of which 2,300 are reserved.
    expect(failure.message).toContain(
      `projects/huge takes 10000000 minutes of work, and ${10_000_000 - (2 * 104 * 1000 - 2300)} of them don't fit`,
    );
    expect(failure.detail(PreconditionFailure)?.violations[0]?.type).toBe('CAPACITY');
    expect((await failureOf(company.projects.getProject({ name: 'projects/huge' }))).code).toBe(Status.NOT_FOUND);
  });

  it('has the names of its quote and its order, by which its project is found; none from the version before', async () => {
    const links = { quote: 'quotes/q-1', order: 'orders/o-1' };
    const { project } = await sell({ projectId: 'linked', minutes: [], ...links });
    expect(project).toMatchObject(links);
    const name = 'projects/linked';
    expect(await company.projects.getProject({ name })).toEqual(project);
    const changed = await company.projects.updateProject({ project: { name, title: 'New', quote: 'quotes/other' } });
    expect(changed).toMatchObject({ title: 'New', ...links });
    const { project: early } = await sell({ projectId: 'unlinked', minutes: [] });
    expect(early).toMatchObject({ quote: '', order: '' });
    const found = async (filter: string) =>
      (await company.projects.listProjects({ filter })).projects.map((one) => one.name);
    expect(await found('quote = "quotes/q-1"')).toEqual([name]);
    expect(await found('order = "orders/o-1" AND quote = "quotes/q-1"')).toEqual([name]);
    expect(await found('order = "orders/q-1"')).toEqual([]);
    expect(await found('quote != "quotes/q-1"')).toContain('projects/unlinked');
    const failure = await failureOf(company.projects.listProjects({ filter: 'order = "quotes/q-1"' }));
    expect(failure.message).toContain('a name such as "orders/{order}"');
    const made = await company.projects.createProject({ project: { title: 'Own', ...links } });
    expect(made).toMatchObject({ quote: '', order: '' });
  });

  it('is refused with every violation, for an unknown assignee, and if the id is taken', async () => {
    const faulty = DeliverProjectRequest.fromPartial({
      projectId: '-',
      tasks: [{}],
      startDate: { year: 1 },
      quote: 'q',
      order: 'quotes/q',
    });
    const refused = await failureOf(company.database.transaction((transaction) => deliver(transaction, faulty)));
    expect(refused.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual([
      'project_id',
      'quote',
      'order',
      'project.title',
      'tasks[0].title',
      'start_date',
    ]);
    const unknown = await failureOf(sell({ projectId: 'x', minutes: [1n], assignee: 'members/nobody' }));
    expect(unknown.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual(['tasks[0].assignee']);
    expect((await failureOf(sell({ projectId: 'first', minutes: [] }))).code).toBe(Status.ALREADY_EXISTS);
  });
});

describe('concurrent deliveries', () => {
  it('never reserve a minute twice and never deadlock, next to other changes of the team', async () => {
    const [ada = '', bob = ''] = members;
    const sold = Array.from({ length: 20 }, (_, index) =>
      sell({
        projectId: `at-once-${index}`,
        minutes: [BigInt(700 + 37 * index)],
        assignee: index % 5 === 0 ? bob : '',
      }),
    );
    const reserved = Array.from({ length: 20 }, (_, index) =>
      inTime(() =>
        company.teamElsewhere.createReservation({
          parent: index % 2 === 0 ? ada : bob,
          reservation: { project: 'projects/early', weekStartDate: monday(1 + (index % 7)), minutes: 150n },
          requestId: `00000000-0000-8000-8000-0000000000${10 + index}`,
        }),
      ),
    );
    const changed = [ada, bob].map((name, index) =>
      inTime(() => company.team.updateMember({ member: { name, weeklyCapacityMinutes: index === 0 ? 1500n : 1000n } })),
    );
    const dropped = inTime(() => company.projects.deleteProject({ name: 'projects/first' }));
    const outcomes = await Promise.allSettled([...sold, ...changed, dropped, ...reserved]);
    const [others, mayBeRefused] = [outcomes.slice(0, 23), outcomes.slice(23)];
    expect(others.filter(({ status }) => status === 'rejected')).toEqual([]);
    // No capacity, or, on a slow machine, a lock that was waited for too long.
    const refusals = mayBeRefused.flatMap((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : []));
    for (const code of refusals) expect([Status.FAILED_PRECONDITION, Status.UNAVAILABLE]).toContain(code);
    for (const [index, one] of (await Promise.all(sold)).entries()) {
      const minutes = one.reservations.reduce((sum, reservation) => sum + reservation.minutes, 0n);
      expect(minutes).toBe(BigInt(700 + 37 * index));
    }
    await requireNothingOverbooked(company.database);
  });
});

function memberOf(reservation: string): string {
  return reservation.slice(0, reservation.indexOf('/reservations/'));
}
