import { beforeAll, describe, expect, it } from '@jest/globals';
import { Any } from '@rondo/contracts/google/protobuf/any';
import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { clockIsShifted, waitingForLocks } from '@rondo/database/testing';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { addMember, addProject, type Company, startCompany, testCompany } from './company.js';
import { requireNothingOverbooked } from './weeks.js';

const { BRANCH_OUTCOME_COMMITTED: COMMITTED, BRANCH_OUTCOME_ABORTED: ABORTED } = BranchOutcome;
/** More transactions than a pool has connections. */
const CROWD = 15;

const company = testCompany();
let member: string;

beforeAll(async () => {
  member = await addMember(company, 1000n);
});

/** A branch of a distributed transaction that delivers the project with this id. */
function branch(projectId: string, effortMinutes: bigint, { participant } = company) {
  const tasks = [{ title: 'Work', effortMinutes }];
  const request = DeliverProjectRequest.fromPartial({ projectId, project: { title: 'Sold' }, tasks });
  const value = Buffer.from(DeliverProjectRequest.encode(request).finish());
  const operation = Any.fromPartial({ typeUrl: 'type.googleapis.com/projects.v1.DeliverProjectRequest', value });
  const transaction = { coordinator: 'sales', id: projectId };
  return {
    prepare: () => participant.prepare({ transaction, operation }),
    commit: async () => (await participant.commit({ transaction })).outcome,
    abort: async () => (await participant.abort({ transaction })).outcome,
  };
}

/** The error of a Prepare. If the deadline passes first, as may happen on a busy machine, it tries another branch. */
async function refusalOf(projectId: string, at: Company, attempt = 1): Promise<RpcError> {
  const failure = await failureOf(branch(`${projectId}-${attempt}`, 10n, at).prepare());
  const isSlow = failure.code === Status.DEADLINE_EXCEEDED || failure.code === Status.UNAVAILABLE;
  return isSlow ? await refusalOf(projectId, at, attempt + 1) : failure;
}

/** So many branches are prepared at once. */
const PREPARING = 4;

const TRANSIENT = new Set<Status>([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED]);

/** Repeats an idempotent call that was too slow, or waited for a turn for too long, as may happen on a busy machine. */
async function withRetries<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  return await call().catch((error: unknown) => {
    const isTransient = error instanceof RpcError && TRANSIENT.has(error.code);
    return isTransient ? withRetries(call) : Promise.reject(error);
  });
}

const reservedFor = async (project: string) =>
  (await company.team.listReservations({ parent: 'members/-', filter: `project = "${project}"` })).reservations.map(
    ({ minutes }) => minutes,
  );
const inDoubt = async () => (await company.participant.listInDoubt({})).branches.length;

describe('a delivery in a distributed transaction', () => {
  it('is invisible until it is committed: the project, its tasks and the reservations', async () => {
    const sold = branch('sold', 1500n);
    const { result } = await sold.prepare();
    expect(DeliverProjectResponse.decode(result?.value ?? new Uint8Array()).project?.name).toBe('projects/sold');
    const name = 'projects/sold';
    expect((await failureOf(company.projects.getProject({ name }))).code).toBe(Status.NOT_FOUND);
    expect(await reservedFor(name)).toEqual([]);
    expect(await sold.commit()).toBe(COMMITTED);
    await expect(company.projects.getProject({ name })).resolves.toMatchObject({ title: 'Sold' });
    const { tasks } = await company.tasks.listTasks({ parent: name });
    expect(tasks).toMatchObject([{ title: 'Work', effortMinutes: 1500n }]);
    expect((await reservedFor(name)).reduce((sum, minutes) => sum + minutes, 0n)).toBe(1500n);
    expect(await inDoubt()).toBe(0);
  });

  it('leaves nothing behind if it is aborted or refused', async () => {
    const sold = branch('aborted', 100n);
    await sold.prepare();
    expect(await inDoubt()).toBe(1);
    expect(await sold.abort()).toBe(ABORTED);
    const huge = branch('huge', 10_000_000n);
    expect(await failureOf(huge.prepare())).toMatchObject({ code: Status.FAILED_PRECONDITION });
    for (const name of ['projects/aborted', 'projects/huge']) {
      expect((await failureOf(company.projects.getProject({ name }))).code).toBe(Status.NOT_FOUND);
      expect(await reservedFor(name)).toEqual([]);
    }
    expect(await inDoubt()).toBe(0);
    await requireNothingOverbooked(company.database);
  });

  (clockIsShifted ? it.skip : it)(
    'that is in doubt is reported to transactions that wait too long, and does not block other calls',
    async () => {
      // This company has the service's own lock timeout instead of the longer one of tests.
      const impatient = await startCompany((url) => url.replace(/&lock_timeout=\d+/, ''));
      try {
        await addMember(impatient, 1000n);
        const { name, title } = await addProject(impatient);
        const held = branch('held', 10n, impatient);
        await held.prepare();
        let refused = 0;
        const crowd = Array.from({ length: CROWD - 5 }, (_, index) =>
          refusalOf(`late-${index}`, impatient).finally(() => {
            refused += 1;
          }),
        );
        // On a busy machine the first branches may be refused before the others begin to wait.
        while ((await waitingForLocks(impatient.database)) + refused < PREPARING);
        // The held branch is still in doubt here.
        expect(await withRetries(() => impatient.projects.getProject({ name }))).toMatchObject({ title });
        for (const failure of await Promise.all(crowd)) {
          // The others waited for one of the connections that prepare branches.
          if (failure.code === Status.RESOURCE_EXHAUSTED) continue;
          expect(failure).toMatchObject({ code: Status.ABORTED, message: expect.stringContaining('has not ended') });
        }
        expect(await held.abort()).toBe(ABORTED);
        expect((await impatient.participant.listInDoubt({})).branches).toEqual([]);
      } finally {
        await impatient.stop();
      }
    },
  );
});

it('frees the reserved time of a project that is archived', async () => {
  const { name, etag } = await company.projects.getProject({ name: 'projects/sold' });
  const state = ProjectState.PROJECT_STATE_ARCHIVED;
  const free = async () => {
    const { weeks } = await company.team.listMemberWeeks({ parent: member });
    return weeks.reduce((sum, { freeMinutes }) => sum + freeMinutes, 0n);
  };
  const before = await free();
  await company.projects.updateProject({ project: { name, etag, state }, updateMask: ['state'] });
  expect(await reservedFor(name)).toEqual([]);
  expect((await free()) - before).toBe(1500n);
  await requireNothingOverbooked(company.database);
});
