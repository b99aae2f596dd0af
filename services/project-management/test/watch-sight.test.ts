import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, type Company, startCompany } from './company.js';
import { type Clients, KINDS, type Resource, reading } from './watched.js';

const RIGHTS = ['projects.read', 'projects.write'] as const;
const MONDAY = { year: 2031, month: 1, day: 6 };

describe.each(['projects', 'reservations'] as const)('a watch of %s by a member of a team', (kind) => {
  let company: Company;
  let worker: string;
  let ada: Clients;
  let bob: Clients;
  let eve: Clients;
  let admin: Clients;
  const members = new Map<string, string>();

  beforeAll(async () => {
    company = await startCompany();
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
  afterAll(() => company.stop());

  const nameOf = (item: Resource) => (typeof item === 'string' ? item : item.name);
  const watch = (of: Clients, resumeToken = '') => reading(KINDS[kind].watch(of, { resumeToken }));
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
    const told = [nameOf(await alls.changed()), nameOf(await alls.changed()), nameOf(await alls.changed())];
    expect(told[2]).toBe(adas.made.name);
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
