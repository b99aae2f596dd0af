import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  BranchOutcome,
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  SagaState,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { instanceAt } from './instance.js';
import { rondo } from './recording-context.js';
import { useStandIns } from './stand-in-fleet.js';

const { BRANCH_OUTCOME_COMMITTED: COMMITTED, BRANCH_OUTCOME_ABORTED: ABORTED } = BranchOutcome;

const { run, registry, environment, register: start } = useStandIns('tx');
let recorded: string[];
let refusal: RpcError | undefined;

beforeEach(() => {
  recorded = [];
  refusal = undefined;
});

const ago = (seconds: number) => new Date(systemClock.now() - seconds * 1_000);

/** A participant that is in doubt about transactions of sales. */
const participant = (name: string, ids: readonly string[]) =>
  standIn(ParticipantServiceDefinition, {
    listInDoubt: () => ({
      participant: name,
      branches: ids.map((id) => ({ transaction: { coordinator: 'sales', id }, prepareTime: ago(300) })),
    }),
    commit: ({ transaction, heuristic }) => {
      recorded.push(`${name} commit ${transaction?.id} ${heuristic}`);
      return { outcome: COMMITTED };
    },
    abort: ({ transaction, heuristic }) => {
      recorded.push(`${name} abort ${transaction?.id} ${heuristic}`);
      return { outcome: ABORTED };
    },
  });

/** The coordinator sales, which has decided to commit `1f3a`, and has a parked saga. */
const coordinator = standIn(CoordinatorServiceDefinition, {
  listTransactions: () => ({
    coordinator: 'sales',
    transactions: [
      {
        ref: { coordinator: 'sales', id: '1f3a' },
        kind: 'accept-quote',
        subject: 'quotes/7',
        state: TransactionState.TRANSACTION_STATE_COMMITTING,
        decision: COMMITTED,
        createTime: ago(301),
        attempts: 4,
        participants: [{ service: 'projects.v1.ProjectService', error: 'nobody answers' }],
      },
    ],
  }),
  listSagas: () => ({
    sagas: [
      {
        id: '77c0',
        kind: 'cancel-order',
        subject: 'orders/7',
        state: SagaState.SAGA_STATE_PARKED,
        step: 'archive-project',
        attempts: 12,
        error: 'no such project',
        createTime: ago(7_300),
      },
    ],
  }),
  resolveTransaction: ({ id, outcome }) => {
    recorded.push(`sales ${id} ${BranchOutcome[outcome]}`);
    if (refusal !== undefined) throw refusal;
    return { state: TransactionState.TRANSACTION_STATE_COMMITTED };
  },
  retrySaga: ({ id }) => {
    recorded.push(`sales retry ${id}`);
    return {};
  },
});

describe('rondo tx ls', () => {
  it('says that nothing is unfinished', async () => {
    await start('p-1', participant('project-management', []));
    expect(await run('ls')).toMatchObject({ exitCode: 0, stdout: 'nothing is unfinished\n', stderr: '' });
    expect(JSON.parse((await run('ls', '--json')).stdout)).toEqual({ transactions: [], sagas: [], unreachable: [] });
  });

  it('shows each unfinished transaction once, the reason and the participants in doubt, however many replicas report it', async () => {
    await start('sales-1', coordinator);
    await start('sales-2', coordinator);
    await start('p-1', participant('project-management', ['1f3a', '2b2b']));
    await start('p-2', participant('project-management', ['1f3a', '2b2b']));
    registry().put(instanceAt('127.0.0.1:1', 'dead-1', [ParticipantServiceDefinition.fullName]));
    const { exitCode, stdout, stderr } = await run('ls');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^dead-1 can't be asked \(.*\): transactions that only it knows are missing\n$/);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['TRANSACTION', 'COORDINATOR', 'FOR', 'STATE', 'AGE', 'TRIES', 'IN DOUBT AT', 'WHY'],
      [
        '1f3a',
        'sales',
        'accept-quote quotes/7',
        'COMMITTING',
        '5m',
        '4',
        'project-management',
        'projects.v1.ProjectService: nobody answers',
      ],
      [
        '2b2b',
        'sales',
        '-',
        'UNKNOWN',
        '5m',
        '-',
        'project-management',
        expect.stringContaining('its coordinator has finished it'),
      ],
      [''],
      ['SAGA', 'FOR', 'STATE', 'AGE', 'TRIES', 'STEP', 'WHY'],
      ['77c0', 'cancel-order orders/7', 'PARKED', '2h', '12', 'archive-project', 'no such project'],
      [''],
    ]);
    expect(JSON.parse((await run('ls', '--json')).stdout)).toMatchObject({
      transactions: [
        { id: '1f3a', state: 'COMMITTING', decision: 'COMMITTED', inDoubt: [{ participant: 'project-management' }] },
        { id: '2b2b', state: 'UNKNOWN', decision: null, kind: null },
      ],
      sagas: [{ id: '77c0', state: 'PARKED', step: 'archive-project' }],
      unreachable: [{ instanceId: 'dead-1' }],
    });
  });
});

describe('rondo tx resolve', () => {
  beforeEach(() => start('p-1', participant('project-management', ['1f3a', '2b2b'])));

  it('lets the coordinator finish a decided transaction, and calls no participant', async () => {
    await start('sales-1', coordinator);
    const { exitCode, stdout, stderr } = await run('resolve', '1f', '--commit');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: '1f3a is committed by its coordinator; rondo tx ls shows whether all participants have confirmed it\n',
    });
    expect(stderr).toBe('asking sales, by sales-1, to commit transaction 1f3a\n');
    expect(recorded).toEqual(['sales 1f3a BRANCH_OUTCOME_COMMITTED']);
  });

  it('refuses an outcome that contradicts a decision, unless it is forced', async () => {
    await start('sales-1', coordinator);
    refusal = new RpcError(Status.FAILED_PRECONDITION, 'transaction 1f3a is decided: it is committed');
    const refused = await run('resolve', '1f3a', '--abort');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      'FAILED_PRECONDITION: transaction 1f3a is decided: it is committed. Nothing was done',
    );
    expect(recorded).toEqual(['sales 1f3a BRANCH_OUTCOME_ABORTED']);
    const forced = await run('resolve', '1f3a', '--abort', '--force');
    expect(forced.stdout).toBe('project-management: aborted\n1f3a is aborted by your order\n');
    expect(forced.stderr).toContain(
      'telling project-management to abort transaction 1f3a; should its coordinator decide',
    );
    expect(recorded.at(-1)).toBe('project-management abort 1f3a true');
  });

  it('aborts a transaction that its coordinator does not know, and commits it only by force', async () => {
    await start('sales-1', coordinator);
    refusal = new RpcError(Status.NOT_FOUND, 'none');
    const refused = await run('resolve', '2b2b', '--commit', '--json');
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'FAILED_PRECONDITION', message: expect.stringContaining('knows nothing of it') },
    });
    const { stdout } = await run('resolve', '2b2b', '--abort', '--json');
    expect(JSON.parse(stdout)).toEqual({
      id: '2b2b',
      outcome: 'ABORTED',
      heuristic: true,
      participants: [{ participant: 'project-management', outcome: 'ABORTED' }],
    });
    expect(recorded.filter((line) => line.startsWith('project'))).toEqual(['project-management abort 2b2b true']);
  });

  it("decides nothing by itself if the coordinator can't be asked, unless it is forced", async () => {
    const refused = await run('resolve', '2b2b', '--abort');
    expect(refused.stderr).toContain(`its coordinator "sales" can't be asked, and may have decided`);
    expect(recorded).toEqual([]);
    expect((await run('resolve', '2b2b', '--commit', '--force')).exitCode).toBe(0);
    expect(recorded).toEqual(['project-management commit 2b2b true']);
  });

  it('has a parked saga go on', async () => {
    await start('sales-1', coordinator);
    expect((await run('resolve', '77c0', '--retry')).stdout).toBe('77c0 goes on with archive-project\n');
    expect(recorded).toEqual(['sales retry 77c0']);
    expect((await run('resolve', '77c0', '--commit')).stderr).toContain('77c0 is a saga: --retry');
    expect((await run('resolve', '1f3a', '--retry')).stderr).toContain('1f3a is a transaction');
  });

  it('shows a saga as parked only if no replica has its steps, and says why it can go on nowhere', async () => {
    const saga = { id: '77c0', kind: 'cancel-order', subject: 'orders/7', step: 'archive-project' };
    const parked = { ...saga, state: SagaState.SAGA_STATE_PARKED, error: 'it began with the steps a, b' };
    const replica = (listed: typeof saga & { readonly state: SagaState }) =>
      standIn(CoordinatorServiceDefinition, {
        listTransactions: () => ({}),
        listSagas: () => ({ sagas: [listed] }),
        retrySaga: () => parked,
      });
    await start('sales-1', replica(parked));
    const { exitCode, stderr } = await run('resolve', '77c0', '--retry');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("FAILED_PRECONDITION: sales-1 can't run 77c0: it began with the steps a, b");
    await start('sales-0', replica({ ...saga, state: SagaState.SAGA_STATE_RUNNING }));
    await start('sales-2', replica(parked));
    expect(JSON.parse((await run('ls', '--json')).stdout).sagas).toMatchObject([{ id: '77c0', state: 'RUNNING' }]);
  });

  it('explains its arguments', async () => {
    expect((await run('resolve', 'zz', '--abort')).stderr).toContain(
      'NOT_FOUND: nothing unfinished has an id that begins',
    );
    expect((await run('resolve', 'zz')).stderr).toContain('say one of --commit, --abort and --retry');
    expect((await run('resolve', 'zz', '--abort', '--commit')).stderr).toContain('say one of');
    expect((await run('resolve', '--abort')).stderr).toContain('name an id');
    expect((await run()).stderr).toContain('say what to do');
    expect((await run('ls', '--force')).stderr).toContain('rondo tx ls takes no more than --json');
    await start('p-2', participant('other', ['1f3b']));
    expect((await run('resolve', '1f', '--abort')).stderr).toContain('2 ids begin with "1f"');
  });

  it('completes actions, and ids with their subjects', async () => {
    await start('sales-1', coordinator);
    const candidates = async (...words: readonly string[]) =>
      (await rondo(['complete', '--', 'tx', ...words], { environment: environment() })).stdout;
    expect(await candidates('r')).toBe('resolve\t\n');
    expect(await candidates('resolve', '')).toBe(
      '1f3a\taccept-quote quotes/7\n2b2b\tin doubt\n77c0\tcancel-order orders/7\n',
    );
  });
});
