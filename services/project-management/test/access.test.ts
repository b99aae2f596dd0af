import { beforeAll, describe, expect, it } from '@jest/globals';
import { Any } from '@rondo/contracts/google/protobuf/any';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { DeliverProjectRequest } from '@rondo/contracts/projects/v1/delivery';
import type { StatusName } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, type Company, testCompany } from './company.js';

const RIGHTS = ['projects.read', 'projects.write'] as const;
const MONDAY = { year: 2031, month: 1, day: 6 };

async function refused(call: Promise<unknown>, code: StatusName) {
  const error = await failureOf(call);
  expect(`${error.codeName}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  return error;
}

describe('what a member of a team sees', () => {
  const company = testCompany();
  let ada: ReturnType<Company['as']>;
  let bob: typeof ada;
  let admin: typeof ada;
  let stranger: typeof ada;
  let member: string;

  beforeAll(async () => {
    for (const [subject, team] of [
      ['ada', 'north'],
      ['bob', 'south'],
    ] as const) {
      const fields = { displayName: subject, email: `${subject}@example.com`, weeklyCapacityMinutes: 2400n };
      await company.team.createMember({ member: { ...fields, subject, team } });
    }
    member = await addMember(company);
    [ada, bob, stranger] = [company.as('ada', ...RIGHTS), company.as('bob', ...RIGHTS), company.as('eve', ...RIGHTS)];
    admin = company.as('root', ...RIGHTS, 'projects.admin');
  });

  async function adasProject() {
    const project = await ada.projects.createProject({ project: { title: 'Website' } });
    const task = await ada.tasks.createTask({ parent: project.name, task: { title: 'Draw', effortMinutes: 60n } });
    const reservation = await ada.team.createReservation({
      parent: member,
      reservation: { project: project.name, weekStartDate: MONDAY, minutes: 1n },
    });
    return { project, task, reservation };
  }

  it('is the projects of the team, with tasks and reservations', async () => {
    const { project, task, reservation } = await adasProject();
    expect(project.team).toBe('north');
    for (const clients of [ada, admin, company]) {
      expect(await clients.projects.getProject({ name: project.name })).toEqual(project);
      expect(await clients.tasks.getTask({ name: task.name })).toEqual(task);
      expect(await clients.team.getReservation({ name: reservation.name })).toEqual(reservation);
    }
  });

  it('refuses each call that names what is out of sight as if it did not exist', async () => {
    const { project, task, reservation } = await adasProject();
    interface Names {
      readonly project: string;
      readonly task: string;
      readonly reservation: string;
    }
    const reserve = (of: typeof bob, name: string) => {
      const fields = { project: name, weekStartDate: MONDAY, minutes: 1n };
      return of.team.createReservation({ parent: member, reservation: fields });
    };
    const calls: readonly ((of: typeof bob, names: Names) => Promise<unknown>)[] = [
      (of, names) => of.projects.getProject({ name: names.project }),
      (of, names) => of.projects.updateProject({ project: { name: names.project, title: 'Mine' } }),
      (of, names) => of.projects.updateProject({ project: { name: names.project, team: 'south' } }),
      (of, names) => of.projects.deleteProject({ name: names.project }),
      (of, names) => of.projects.undeleteProject({ name: names.project }),
      (of, names) => of.projects.estimateProject({ name: names.project }),
      (of, names) => of.projects.watchProject({ name: names.project })[Symbol.asyncIterator]().next(),
      (of, names) => of.tasks.createTask({ parent: names.project, task: { title: 'Spy' } }),
      (of, names) => of.tasks.batchCreateTasks({ parent: names.project, requests: [{ task: { title: 'Spy' } }] }),
      (of, names) => of.tasks.listTasks({ parent: names.project, showDeleted: true }),
      (of, names) => of.tasks.getTask({ name: names.task }),
      (of, names) => of.tasks.updateTask({ task: { name: names.task, title: 'Mine' } }),
      (of, names) => of.tasks.deleteTask({ name: names.task }),
      (of, names) => of.tasks.undeleteTask({ name: names.task }),
      (of, names) => of.team.getReservation({ name: names.reservation }),
      (of, names) => of.team.deleteReservation({ name: names.reservation }),
      (of, names) => reserve(of, names.project),
    ];
    const foreign = { project: project.name, task: task.name, reservation: reservation.name };
    const none = {
      project: 'projects/none',
      task: `${project.name.replace(/\/.*/, '/none')}/tasks/none`,
      reservation: `${member}/reservations/none`,
    };
    const withoutIds = (text: string) => text.replace(/(projects|tasks|reservations)\/\w+/g, '$1/none');
    for (const [index, call] of calls.entries()) {
      const code = index === calls.length - 1 ? 'INVALID_ARGUMENT' : 'NOT_FOUND';
      for (const caller of [bob, stranger]) {
        const error = await refused(call(caller, foreign), code);
        const same = await refused(call(caller, none), code);
        expect(withoutIds(error.message)).toBe(withoutIds(same.message));
        expect(error.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual(
          same.detail(BadRequest)?.fieldViolations.map(({ field }) => field),
        );
      }
    }
    expect(await ada.projects.getProject({ name: project.name })).toEqual(project);
    expect(await ada.tasks.getTask({ name: task.name })).toEqual(task);
  });

  it('is all that lists have, with any filter, in any order', async () => {
    const { project } = await adasProject();
    const own = await bob.projects.createProject({ project: { title: 'Website' } });
    for (const filter of ['', 'title = "Website"', 'state = PLANNED', 'create_time > "2020-01-01T00:00:00Z"']) {
      for (const orderBy of ['', 'due_date', 'title desc']) {
        const request = { filter, orderBy, showDeleted: true };
        expect((await bob.projects.listProjects(request)).projects).toEqual([own]);
      }
      const nothing = { projects: [], nextPageToken: '' };
      expect(await stranger.projects.listProjects({ filter, showDeleted: true })).toEqual(nothing);
    }
    const sold = "UPDATE projects SET quote_id = 'q', order_id = 'o' WHERE id = $1";
    await company.database.query(sold, [project.name.replace('projects/', '')]);
    for (const filter of ['quote = "quotes/q"', 'order = "orders/o"']) {
      expect((await bob.projects.listProjects({ filter })).projects).toEqual([]);
      expect((await ada.projects.listProjects({ filter })).projects).toMatchObject([{ name: project.name }]);
    }
    for (const filter of ['', `project = "${project.name}"`, 'minutes = 1']) {
      for (const parent of [member, 'members/-']) {
        expect((await bob.team.listReservations({ parent, filter })).reservations).toEqual([]);
        expect((await ada.team.listReservations({ parent, filter })).reservations.length).toBeGreaterThan(0);
      }
    }
  });

  it('is for administrators to change: teams of projects, and members', async () => {
    const { project } = await adasProject();
    const { name } = project;
    const moved = { project: { name, team: 'south' }, updateMask: ['team'] };
    const denied = [
      ada.projects.updateProject(moved),
      ada.projects.updateProject({ project: { ...project, team: '' }, updateMask: ['*'] }),
      ada.projects.createProject({ project: { title: 'Theirs', team: 'south' } }),
      stranger.projects.createProject({ project: { title: 'Whose?' } }),
      ada.team.createMember({ member: { displayName: 'Eve', email: 'eve@example.com', subject: 'eve' } }),
      ada.team.updateMember({ member: { name: member, subject: 'eve', team: 'north' } }),
      ada.team.deleteMember({ name: member }),
      ada.team.undeleteMember({ name: member }),
    ];
    for (const call of denied) expect((await refused(call, 'PERMISSION_DENIED')).message).toContain('projects.admin');
    expect((await ada.team.getMember({ name: member })).subject).toBe('');
    expect((await ada.projects.updateProject({ project, updateMask: ['*'] })).etag).toBe(project.etag);

    await admin.projects.updateProject(moved);
    await refused(ada.projects.getProject({ name }), 'NOT_FOUND');
    expect((await bob.projects.getProject({ name })).team).toBe('south');
  });

  it('refuses a second member with a subject, and forgets that of a deleted member', async () => {
    const fields = { displayName: 'Cyd', subject: 'cyd', team: 'south' };
    const first = await admin.team.createMember({ member: { ...fields, email: 'cyd@example.com' } });
    const cyd = company.as('cyd', ...RIGHTS);
    const project = await cyd.projects.createProject({ project: { title: 'Cellar' } });
    await refused(admin.team.createMember({ member: { ...fields, email: 'cyd2@example.com' } }), 'ALREADY_EXISTS');
    await admin.team.deleteMember({ name: first.name });
    await refused(cyd.projects.getProject({ name: project.name }), 'NOT_FOUND');
  });

  it('ends a watch when the project goes out of sight, and with it the resume token', async () => {
    const { project } = await adasProject();
    const { name } = project;
    const stream = ada.projects.watchProject({ name })[Symbol.asyncIterator]();
    const resumeToken = (await stream.next()).value?.resumeToken ?? '';
    await admin.tasks.createTask({ parent: name, task: { title: 'Seen' } });
    expect((await stream.next()).value?.event).toMatchObject({ $case: 'taskChanged' });
    for (const clients of [admin, company]) {
      const foreign = clients.projects.watchProject({ name, resumeToken })[Symbol.asyncIterator]();
      await refused(foreign.next(), 'INVALID_ARGUMENT');
    }
    await admin.projects.updateProject({ project: { name, team: 'south' }, updateMask: ['team'] });
    await refused(stream.next(), 'NOT_FOUND');
    const resumed = ada.projects.watchProject({ name, resumeToken })[Symbol.asyncIterator]();
    await refused(resumed.next(), 'NOT_FOUND');
  });
});

describe('the audit log', () => {
  const company = testCompany(undefined, 90);

  async function lines(filter: string): Promise<readonly string[]> {
    const { events } = await company.audit.listAuditEvents({ filter });
    return events.map(({ method, resource, code }) => `${method.split('/').at(-1)} ${resource} ${code}`).reverse();
  }

  it('has a branch of a distributed transaction once it is committed, and no aborted one', async () => {
    for (const [projectId, end] of [
      ['kept', 'commit'],
      ['dropped', 'abort'],
    ] as const) {
      const request = DeliverProjectRequest.fromPartial({ projectId, project: { title: 'Sold' } });
      const value = Buffer.from(DeliverProjectRequest.encode(request).finish());
      const operation = Any.fromPartial({ typeUrl: 'type.googleapis.com/projects.v1.DeliverProjectRequest', value });
      const transaction = { coordinator: 'sales', id: projectId };
      await company.participant.prepare({ transaction, operation });
      expect(await lines(`resource = "projects/${projectId}"`)).toEqual([]);
      await company.participant[end]({ transaction });
    }
    expect(await lines('resource = "projects/kept"')).toEqual(['Prepare projects/kept 0']);
    expect(await lines('resource = "projects/dropped"')).toEqual([]);
  });
});
