import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Status } from '@rondo/rpc/status';
import { addProject, type Company, failureOf, startCompany } from './company.js';

let company: Company;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(() => company.stop());

/** Each break of a stream is seen. */
const UNRESUMED = { resumeForMs: 0 };

/** They wait for the database as long as their deadline allows. */
const BRIEF = { timeoutMs: 1_000 };

describe('while something is away', () => {
  it('without a calculator an estimate fails soon and clearly, and the rest goes on', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'T' }] });
    company.calculator.stop();
    const began = performance.now();
    const failure = await failureOf(company.projects.estimateProject({ name }));
    expect(failure.code).toBe(Status.UNAVAILABLE);
    expect(failure.message).toContain('calculator.v1.CalculatorService/Sum');
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(await company.projects.getProject({ name })).toMatchObject({ title: 'P' });
  });

  it('without a database calls are UNAVAILABLE, and a watch does not begin', async () => {
    const { name } = await addProject(company);
    await company.postgres.stop();
    for (const call of [
      company.projects.getProject({ name }, BRIEF),
      company.projects.updateProject({ project: { name, title: 'x' } }, BRIEF),
      company.projects.createProject({ project: { title: 'x' } }, BRIEF),
    ]) {
      const failure = await failureOf(call);
      expect(failure.code).toBe(Status.UNAVAILABLE);
      expect(failure.message).toBe('the database is unavailable; try again later'); // and no word of where it is
    }
    const events = company.projects.watchProject({ name }, UNRESUMED)[Symbol.asyncIterator]();
    expect(await failureOf(events.next())).toMatchObject({ code: Status.UNAVAILABLE });
  });

  it('when the service stops, its watchers are told to go on elsewhere', async () => {
    const { name } = await addProject(company);
    const events = company.projects.watchProject({ name }, UNRESUMED)[Symbol.asyncIterator]();
    await events.next();
    const pending = failureOf(events.next());
    await company.stopService();
    expect(await pending).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('go on at another'),
    });
  });
});
