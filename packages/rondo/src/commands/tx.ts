import { WorkKind } from '@rondo/contracts/rondo/gateway/v1/console';
import {
  BranchOutcome,
  SagaState,
  type Transaction,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import {
  collect,
  enumName,
  findUnfinished,
  joinTransactions,
  readWork,
  resolveTransaction,
  retrySaga,
  type Unfinished,
} from '@rondo/operate/internal';
import { endpointsOf, gathererOf, reachOf } from '../channels.js';
import { type CommandContext, defineActions } from '../command.js';
import { UsageError } from '../errors.js';
import { flag } from '../help.js';
import { jsonOption, registryOption } from '../options.js';
import { registeredInstances } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';
import { ageOf, formatAge, printable } from '../terminal/text.js';

export const tx = defineActions({
  name: 'tx',
  summary: 'Lists unfinished distributed transactions and sagas; ends one by hand.',
  details: [
    'ls asks every instance that coordinates transactions or takes part in them. COMMITTING, ABORTING and PREPARING ones finish',
    'by themselves. CONFLICT means that a participant has done the opposite, PARKED that the step of a saga has failed too',
    'often, or that no replica has its steps: both wait for you. IN DOUBT AT lists the participants that hold their locks',
    'meanwhile.',
    '',
    'resolve asks the coordinator, which refuses an outcome that contradicts its decision, and prints what it does. For a',
    'CONFLICT, --commit or --abort says that you have corrected the data. --force goes to the participants in doubt, whatever',
    'the decision was: use it only if the coordinator is lost for good. An id may be shortened if it stays unique.',
  ].join('\n'),
  options: {
    commit: flag('Commit the transaction.'),
    abort: flag('Abort the transaction.'),
    retry: flag('Let a parked saga go on.'),
    force: flag('End it even against a decision, or if the decision is not known.'),
    ...registryOption,
    ...jsonOption,
  },
  examples: [
    ['tx ls', 'What is unfinished, and why.'],
    ['tx resolve 1f3a --commit', 'Finishes a decided transaction now.'],
    ['tx resolve 1f3a --abort --force', 'Frees the locks that are held for a lost coordinator.'],
  ],
  actions: {
    ls: {
      args: {},
      async run(values, context) {
        if (endingsOf(values).length > 0 || values.force) throw new UsageError('rondo tx ls takes no more than --json');
        const { unfinished } = await readUnfinished(context);
        await reportUnreachable(unfinished, context);
        return { json: viewUnfinished(unfinished), text: formatUnfinished(unfinished, context.clock.now()) };
      },
    },
    resolve: {
      args: { id: '<id>' },
      missing: 'name an id: rondo tx ls lists them',
      async complete({ word }, context) {
        const { transactions, sagas } = (await readUnfinished(context)).unfinished;
        const known = [
          ...transactions.map(({ id, logged }) => ({
            word: id,
            about: logged === undefined ? 'in doubt' : `${logged.kind} ${logged.subject}`,
          })),
          ...sagas.map(({ saga }) => ({ word: saga.id, about: `${saga.kind} ${saga.subject}` })),
        ];
        return known.filter((candidate) => candidate.word.startsWith(word));
      },
      async run({ id, force, ...values }, context) {
        const [ending, another] = endingsOf(values);
        if (ending === undefined || another !== undefined)
          throw new UsageError('say one of --commit, --abort and --retry');
        const { channel, unfinished } = await readUnfinished(context);
        await reportUnreachable(unfinished, context);
        const { json, stderr, signal } = context;
        const found = findUnfinished(id, unfinished);
        if ('saga' in found) {
          const { id: saga, step } = found.saga;
          if (ending !== 'retry') throw new UsageError(`${saga} is a saga: --retry`);
          await retrySaga(found, { channel, signal });
          const text = `${printable(`${saga} goes on with ${step || 'its last step'}`)}\n`;
          return { json: { id: saga, step, retried: true }, text };
        }
        if (ending === 'retry') throw new UsageError(`${found.id} is a transaction: --commit or --abort`);
        const explain = async (line: string): Promise<void> => {
          if (!json) await stderr.write(`${printable(line)}\n`);
        };
        const coordinator = unfinished.coordinators.get(found.coordinator);
        const options = { channel, wanted: ending, force, explain, signal };
        const resolved = await resolveTransaction(found, coordinator, options);
        return { json: resolved, text: describe(resolved) };
      },
    },
  },
});

type Ending = 'commit' | 'abort' | 'retry';

/** How `resolve` is asked to end it. */
const endingsOf = (values: Readonly<Record<Ending, boolean>>) =>
  (['commit', 'abort', 'retry'] as const).filter((ending) => values[ending]);

async function readUnfinished(context: CommandContext) {
  const { clock, signal } = context;
  const { instances } = await registeredInstances(context);
  const channel = reachOf(endpointsOf(instances));
  const query = { kinds: [WorkKind.WORK_KIND_TRANSACTIONS], follows: false };
  const answers = readWork(query, gathererOf(channel, clock), { signal });
  const unfinished = joinTransactions(await collect(answers));
  signal.throwIfAborted();
  return { channel, unfinished };
}

async function reportUnreachable({ unreachable }: Unfinished, { stderr }: CommandContext): Promise<void> {
  for (const { instanceId, reason } of unreachable) {
    await stderr.write(
      `${instanceId} can't be asked (${printable(reason)}): transactions that only it knows are missing\n`,
    );
  }
}

function describe({ id, outcome, heuristic, participants }: Awaited<ReturnType<typeof resolveTransaction>>): string {
  const ends = participants
    .map(({ participant, outcome: ended }) => `${printable(participant)}: ${ended.toLowerCase()}\n`)
    .join('');
  const end = heuristic
    ? `by your order`
    : 'by its coordinator; rondo tx ls shows whether all participants have confirmed it';
  return `${ends}${printable(id)} is ${outcome.toLowerCase()} ${end}\n`;
}

type KnownTransaction = Unfinished['transactions'][number];
type KnownSaga = Unfinished['sagas'][number];

/** The name of an outcome; null if there is none yet. */
const outcomeOf = (outcome: BranchOutcome): string | null =>
  outcome === BranchOutcome.BRANCH_OUTCOME_UNSPECIFIED
    ? null
    : enumName(BranchOutcome[outcome], 'BRANCH_OUTCOME_', outcome);

/** The state of a transaction; `UNKNOWN` if no coordinator that answered has it. */
const stateOf = ({ logged }: KnownTransaction): string =>
  logged === undefined ? 'UNKNOWN' : enumName(TransactionState[logged.state], 'TRANSACTION_STATE_', logged.state);

const sagaState = (state: SagaState): string => enumName(SagaState[state], 'SAGA_STATE_', state);

const viewUnfinished = ({ transactions, sagas, unreachable }: Unfinished) => ({
  transactions: transactions.map(viewTransaction),
  sagas: sagas.map(viewSaga),
  unreachable,
});

function viewTransaction(transaction: KnownTransaction) {
  const { id, coordinator, logged, inDoubt } = transaction;
  const known: Partial<Transaction> = logged ?? {};
  const { kind = null, subject = null, attempts = null, createTime = null, expireTime = null } = known;
  return {
    id,
    coordinator,
    kind,
    subject,
    state: stateOf(transaction),
    decision: logged === undefined ? null : outcomeOf(logged.decision),
    attempts,
    createTime,
    expireTime,
    participants: (logged?.participants ?? []).map(({ service, outcome, error }) => {
      return { service, outcome: outcomeOf(outcome), error };
    }),
    inDoubt: inDoubt.map(({ participant, prepareTime = null }) => ({ participant, prepareTime })),
  };
}

function viewSaga({ saga }: KnownSaga) {
  const { id, kind, subject, state, step, attempts, error, createTime = null } = saga;
  return { id, kind, subject, state: sagaState(state), step, attempts, error, createTime };
}

const TRANSACTIONS = ['TRANSACTION', 'COORDINATOR', 'FOR', 'STATE', 'AGE', 'TRIES', 'IN DOUBT AT', 'WHY'];
const SAGAS = ['SAGA', 'FOR', 'STATE', 'AGE', 'TRIES', 'STEP', 'WHY'];

function formatUnfinished({ transactions, sagas }: Unfinished, nowMs: number): string {
  const rows = transactions.map((transaction) => {
    const { id, coordinator, logged, inDoubt, sinceMs } = transaction;
    const subject = logged === undefined ? '-' : `${logged.kind} ${logged.subject}`.trim();
    const at = inDoubt.map(({ participant }) => participant).join(', ') || '-';
    return [
      ...[id, coordinator, subject, stateOf(transaction), formatAge(nowMs - sinceMs), logged?.attempts ?? '-', at],
      whyOf(transaction),
    ];
  });
  const sagaRows = sagas.map(({ saga }) => {
    const { id, kind, subject, state, step, attempts, error, createTime } = saga;
    const named = [`${kind} ${subject}`.trim(), sagaState(state)];
    return [id, ...named, ageOf(createTime, nowMs), attempts, step || '-', error || '-'];
  });
  const parts = [];
  if (rows.length > 0) parts.push(formatTable([TRANSACTIONS, ...rows]));
  if (sagaRows.length > 0) parts.push(formatTable([SAGAS, ...sagaRows]));
  return parts.join('\n') || 'nothing is unfinished\n';
}

/** Why a transaction isn't finished, as far as its coordinator knows. */
function whyOf({ logged }: KnownTransaction): string {
  if (logged === undefined) return 'its coordinator has finished it, does not know it, or cannot be asked';
  const reasons = logged.participants.flatMap(({ service, outcome, error }) => [
    ...(outcomeOf(outcome) === null || outcome === logged.decision ? [] : [`${service}: ${outcomeOf(outcome)}`]),
    ...(error === '' ? [] : [`${service}: ${error}`]),
  ]);
  return reasons.join('; ') || '-';
}
