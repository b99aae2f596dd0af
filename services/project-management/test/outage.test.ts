import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RpcError, Status } from '@rondo/rpc/status';
import { addProject, type Company, failureOf, startCompany } from './company.js';

let company: Company;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(() => company.stop());

/** Each break of a stream is seen. */
const UNRESUMED = { resumeForMs: 0 };

/** They wait for the database as long as their deadline allows, less a quarter of a second to say why they failed. */
const BRIEF = { timeoutMs: 1_000 };

/** What a call fails with where the service is in time to say so: on a busy machine its deadline may pass before. */
async function reasonOf(call: () => Promise<unknown>): Promise<RpcError> {
  const failure = await failureOf(call());
  return failure.code === Status.DEADLINE_EXCEEDED ? await reasonOf(call) : failure;
}

describe('while something is away', () => {
  it('without a calculator an estimate fails soon and clearly, and the rest goes on', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'T' }] });
    company.calculator.stop();
    const failure = await failureOf(company.projects.estimateProject({ name }));
    expect(failure.code).toBe(Status.UNAVAILABLE); // and not DEADLINE_EXCEEDED: it wasn't waited for
    expect(failure.message).toContain('calculator.v1.CalculatorService/Sum');
    expect(await company.projects.getProject({ name })).toMatchObject({ title: 'P' });
  });

  it('without a database calls are UNAVAILABLE, and a watch does not begin', async () => {
    const { name } = await addProject(company);
    await company.postgres.stop();
    for (const call of [
      () => company.projects.getProject({ name }, BRIEF),
      () => company.projects.updateProject({ project: { name, title: 'x' } }, BRIEF),
      () => company.projects.createProject({ project: { title: 'x' } }, BRIEF),
    ]) {
      const failure = await reasonOf(call);
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
