import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addProject, type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

/** Turns off the resumption of streams, so that the test sees each break. */
const UNRESUMED = { resumeForMs: 0 };

/** Calls wait for the database until a quarter of a second before their deadline, to report why they failed. */
const BRIEF = { timeoutMs: 1_000 };

/**
 * The error of a call that the service itself reports. On a busy machine the deadline may pass first; then it retries.
 */
async function reasonOf(call: () => Promise<unknown>): Promise<RpcError> {
  const failure = await failureOf(call());
  return failure.code === Status.DEADLINE_EXCEEDED ? await reasonOf(call) : failure;
}

describe('during an outage', () => {
  it('of the calculator, an estimate fails soon with a clear error, and other calls succeed', async () => {
    const { name } = await company.projects.createProject({ project: { title: 'P' }, tasks: [{ title: 'T' }] });
    company.calculator.stop();
    const failure = await failureOf(company.projects.estimateProject({ name }));
    expect(failure.code).toBe(Status.UNAVAILABLE); // not DEADLINE_EXCEEDED, as the call doesn't wait for the calculator
    expect(failure.message).toContain('calculator.v1.CalculatorService/Sum');
    expect(await company.projects.getProject({ name })).toMatchObject({ title: 'P' });
  });

  it('of the service, its watchers are told to resume at another instance', async () => {
    const leaving = await startCompany();
    const { name } = await addProject(leaving);
    const events = leaving.projects.watchProject({ name }, UNRESUMED)[Symbol.asyncIterator]();
    await events.next();
    const pending = failureOf(events.next());
    await leaving.stopService();
    expect(await pending).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('resume at another'),
    });
    await leaving.stop();
  });

  it('of the database, calls are UNAVAILABLE, and a watch does not begin', async () => {
    const { name } = await addProject(company);
    await company.postgres.stop();
    for (const call of [
      () => company.projects.getProject({ name }, BRIEF),
      () => company.projects.updateProject({ project: { name, title: 'x' } }, BRIEF),
      () => company.projects.createProject({ project: { title: 'x' } }, BRIEF),
    ]) {
      const failure = await reasonOf(call);
      expect(failure.code).toBe(Status.UNAVAILABLE);
      expect(failure.message).toBe('the database is unavailable; try again later'); // without the address of the database
    }
    const events = company.projects.watchProject({ name }, UNRESUMED)[Symbol.asyncIterator]();
    expect(await failureOf(events.next())).toMatchObject({ code: Status.UNAVAILABLE });
  });
});
