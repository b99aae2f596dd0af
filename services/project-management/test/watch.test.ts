import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Project, WatchProjectResponse, WatchProjectsResponse } from '@rondo/contracts/projects/v1/projects';
import { TaskState } from '@rondo/contracts/projects/v1/tasks';
import type { Reservation, WatchReservationsResponse } from '@rondo/contracts/projects/v1/team';
import { readWatch, type WatchEvent } from '@rondo/resources/testing';
import { Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, testCompany } from './company.js';

const company = testCompany();

/** Watches a project. `next` returns the next event as a short text. */
function watch(name: string) {
  const stop = new AbortController();
  const events = company.projects.watchProject({ name }, { signal: stop.signal })[Symbol.asyncIterator]();
  return {
    async next(): Promise<string> {
      const step = await events.next();
      return step.done === true ? 'the end' : inShort(step.value);
    },
    cancel: () => stop.abort(),
  };
}

function inShort({ event }: WatchProjectResponse): string {
  switch (event?.$case) {
    case 'snapshot':
      return `snapshot of ${event.value.project?.title} with ${event.value.tasks.map(({ title }) => title).join(', ')}`;
    case 'projectChanged':
      return `project ${event.value.title} ${versionIn(event.value.etag)}${deleted(event.value)}`;
    case 'taskChanged':
      return `task ${event.value.title} ${versionIn(event.value.etag)}${deleted(event.value)}`;
    default:
      return 'nothing';
  }
}

describe('WatchProject', () => {
  it('streams the snapshot, then each change in order', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'A' }] });
    const watcher = watch(name);
    expect(await watcher.next()).toBe('snapshot of P with A');
    const { name: task } = await company.tasks.createTask({ parent: name, task: { title: 'B' } });
    await company.projects.updateProject({ project: { name, title: 'Q' } });
    await company.tasks.updateTask({ task: { name: task, state: TaskState.TASK_STATE_IN_PROGRESS } });
    await company.tasks.updateTask({ task: { name: task, title: 'C' } });
    expect(await watcher.next()).toBe('task B 1');
    expect(await watcher.next()).toBe('project Q 2');
    expect(await watcher.next()).toBe('task B 2');
    expect(await watcher.next()).toBe('task C 3');
    watcher.cancel();
  });

  it('does not stream an update that changes nothing, nor changes of other projects', async () => {
    const { name } = await addProject(company, 'Calm');
    const { name: other } = await addProject(company, 'Other');
    const watcher = watch(name);
    await watcher.next();
    await company.projects.updateProject({ project: { name, title: 'Calm' } });
    await company.projects.updateProject({ project: { name: other, title: 'Loud' } });
    await company.projects.updateProject({ project: { name, title: 'Calmer' } });
    expect(await watcher.next()).toBe('project Calmer 2');
    watcher.cancel();
  });

  it('streams deletions, undeletions and batches', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'A' }] });
    const { tasks } = await company.tasks.listTasks({ parent: name });
    const [task] = tasks;
    const watcher = watch(name);
    await watcher.next();
    await company.tasks.deleteTask({ name: task?.name ?? '' });
    await company.tasks.undeleteTask({ name: task?.name ?? '' });
    const requests = ['B', 'C'].map((title) => ({ task: { title } }));
    await company.tasks.batchCreateTasks({ parent: name, requests });
    await company.projects.deleteProject({ name });
    await company.projects.undeleteProject({ name });
    const received: string[] = [];
    while (received.length < 6) received.push(await watcher.next());
    expect(received).toEqual([
      'task A 2 deleted',
      'task A 3',
      'task B 1',
      'task C 1',
      'project P 2 deleted',
      'project P 3',
    ]);
    watcher.cancel();
  });

  it('reports an unknown project, and refuses a malformed name', async () => {
    const unknown = await failureOf(watch('projects/none').next());
    expect(unknown.code).toBe(Status.NOT_FOUND);
    expect(unknown.message).toContain("projects/none doesn't exist");
    expect((await failureOf(watch('none').next())).code).toBe(Status.INVALID_ARGUMENT);
  });
});

function deleted({ deleteTime }: { deleteTime?: Date | undefined }): string {
  return deleteTime === undefined ? '' : ' deleted';
}

/** An etag begins with the version. */
function versionIn(etag: string): string {
  return /\d+/.exec(etag)?.[0] ?? 'none';
}

const RIGHTS = ['projects.read', 'projects.write'] as const;
const MONDAY = { year: 2031, month: 1, day: 6 };

type Clients = Pick<Company, 'projects' | 'team'>;
/** A resource, or the name of one that is deleted for good. */
type Resource = Project | Reservation | string;
type Response = WatchProjectsResponse | WatchReservationsResponse;

/** Reads a watch of several resources message by message. */
const reading = (stream: AsyncIterable<Response>) => readWatch(stream, watchEventOf);

function watchEventOf(event: NonNullable<Response['event']>): WatchEvent<Resource> {
  if (event.$case !== 'snapshot') return { changed: event.value };
  const { first, more } = event.value;
  return { items: 'projects' in event.value ? event.value.projects : event.value.reservations, first, more };
}

const KINDS = {
  projects: {
    watch: ({ projects }: Clients, resumeToken: string) => projects.watchProjects({ resumeToken }),
    remove: ({ projects }: Clients, name: string): Promise<Resource> => projects.deleteProject({ name }),
  },
  reservations: {
    watch: ({ team }: Clients, resumeToken: string) => team.watchReservations({ parent: 'members/-', resumeToken }),
    remove: ({ team }: Clients, name: string): Promise<Resource> => team.deleteReservation({ name }).then(() => name),
  },
};

describe.each(['projects', 'reservations'] as const)('a watch of %s by a member of a team', (kind) => {
  const company = testCompany();
  let worker: string;
  let ada: Clients;
  let bob: Clients;
  let eve: Clients;
  let admin: Clients;
  const members = new Map<string, string>();

  beforeAll(async () => {
    worker = await addMember(company);
    for (const [subject, team] of [
      ['ada', 'north'],
      ['bob', 'south'],
    ] as const) {
      const fields = { displayName: subject, email: `${subject}@example.com`, weeklyCapacityMinutes: 2400n };
      members.set(subject, (await company.team.createMember({ member: { ...fields, subject, team } })).name);
    }
    [ada, bob, eve] = [company.as('ada', ...RIGHTS), company.as('bob', ...RIGHTS), company.as('eve', ...RIGHTS)];
    admin = company.as('root', ...RIGHTS, 'projects.admin');
  });

  const nameOf = (item: Resource) => (typeof item === 'string' ? item : item.name);
  const watch = (of: Clients, resumeToken = '') => reading(KINDS[kind].watch(of, resumeToken));
  /** Makes a project, and a reservation if reservations are watched: returns the project's name and what is watched. */
  const make = async (of: Clients, team = '') => {
    const project = await of.projects.createProject({ project: { title: 'Site', team } });
    if (kind === 'projects') return { project: project.name, made: project };
    const reservation = { project: project.name, weekStartDate: MONDAY, minutes: 1n };
    return { project: project.name, made: await of.team.createReservation({ parent: worker, reservation }) };
  };
  const move = (name: string, team: string) =>
    admin.projects.updateProject({ project: { name, team }, updateMask: ['team'] });

  it('has only what is of the team, and begins again when a project moves', async () => {
    const adas = await make(ada);
    const [adasWatch, bobs, alls] = [watch(ada), watch(bob), watch(admin)];
    expect(await adasWatch.snapshot()).toEqual([adas.made]);
    expect(await bobs.snapshot()).toEqual([]);
    expect(await alls.snapshot()).toEqual([adas.made]);
    await make(ada);
    const own = await make(bob);
    expect(await bobs.changed()).toEqual(own.made);
    const token = bobs.token();
    for (const other of [ada, admin, company]) {
      expect((await failureOf(watch(other, token).next())).codeName).toBe('INVALID_ARGUMENT');
    }
    await adasWatch.changed();

    await move(adas.project, 'south');
    expect((await adasWatch.snapshot()).map(nameOf)).not.toContain(adas.made.name);
    expect((await bobs.snapshot()).map(nameOf)).toEqual([adas.made.name, own.made.name]);
    const removed = await KINDS[kind].remove(bob, adas.made.name);
    expect(await bobs.changed()).toEqual(removed);
    const last = await make(ada);
    expect(await adasWatch.changed()).toEqual(last.made);

    // A watch that was away resumes with a snapshot too.
    const away = watch(bob, token);
    expect((await away.snapshot()).map(nameOf)).toEqual([own.made.name]);
    // One that sees all gets the change of the project, and nothing of its reservations.
    const received = [nameOf(await alls.changed()), nameOf(await alls.changed()), nameOf(await alls.changed())];
    expect(received[2]).toBe(adas.made.name);
    await Promise.all([adasWatch, bobs, alls, away].map((one) => one.end()));
    for (const { project } of [own, last]) await admin.projects.deleteProject({ name: project });
  });

  it('begins again when its member moves, or is deleted, and when a person becomes a member', async () => {
    const north = await make(admin, 'north');
    const south = await make(admin, 'south');
    const [bobs, eves] = [watch(bob), watch(eve)];
    expect((await bobs.snapshot()).map(nameOf)).toContain(south.made.name);
    expect(await eves.snapshot()).toEqual([]);
    const token = bobs.token();
    const name = members.get('bob') ?? '';
    const joined = { displayName: 'Eve', email: 'eve@example.com', subject: 'eve', team: 'south' };
    const { name: member } = await admin.team.createMember({ member: joined });
    expect((await eves.snapshot()).map(nameOf)).toContain(south.made.name);

    await admin.team.updateMember({ member: { name, team: 'north' } });
    const seen = (await bobs.snapshot()).map(nameOf);
    expect([seen.includes(north.made.name), seen.includes(south.made.name)]).toEqual([true, false]);
    const hidden = await make(admin, 'south');
    expect(await eves.changed()).toEqual(hidden.made);
    const next = await make(admin, 'north');
    expect(await bobs.changed()).toEqual(next.made);
    const away = watch(bob, token);
    expect((await away.snapshot()).map(nameOf)).toEqual([...seen, next.made.name]);

    await admin.team.deleteMember({ name: member });
    expect(await eves.snapshot()).toEqual([]);
    await Promise.all([bobs, eves, away].map((one) => one.end()));
  });
});

it('a watch of reservations may be of one member, and has the deletion of those of a project', async () => {
  const [member, other] = [await addMember(company), await addMember(company)];
  const { name: project } = await addProject(company);
  const reserve = (parent: string, day: number) => {
    const weekStartDate = { year: 2031, month: 1, day };
    return company.team.createReservation({ parent, reservation: { project, weekStartDate, minutes: 5n } });
  };
  const late = await reserve(member, 13);
  const early = await reserve(member, 6);
  await reserve(other, 6);
  const watch = reading(company.team.watchReservations({ parent: member }));
  expect(await watch.snapshot()).toEqual([early, late]);
  await company.projects.deleteProject({ name: project });
  const received = [await watch.changed(), await watch.changed()];
  expect(received.toSorted()).toEqual([early.name, late.name].toSorted());
  await watch.end();
});
