import {
  collect,
  findUnfinished,
  gatherTransactions,
  joinTransactions,
  type Reach,
  resolveTransaction,
  retrySaga,
  type Unfinished,
} from '@rondo/operate/internal';
import { endpointsOf, gathererOf, reachOf } from '../channels.js';
import { type CommandContext, defineCommand, type Printed, type Written } from '../command.js';
import { UsageError } from '../errors.js';
import { type Candidate, flag } from '../help.js';
import { jsonOption, registryOption } from '../options.js';
import { registeredInstances } from '../registry/locate.js';
import { printable } from '../terminal/text.js';
import { formatUnfinished, viewUnfinished } from '../transactions/view.js';

const ACTIONS = ['ls', 'resolve'] as const;

/** `rondo tx`: lists unfinished distributed transactions and sagas, and lets an operator end one. */
export const tx = defineCommand({
  name: 'tx',
  summary: 'Lists unfinished distributed transactions and sagas; ends one by hand.',
  usage: 'ls | resolve <id> (--commit | --abort | --retry) [--force] [options]',
  details: [
    'ls asks every instance that coordinates transactions or takes part in them. COMMITTING and ABORTING transactions are',
    'decided and finish by themselves. A PREPARING one is aborted unless it is decided within seconds. CONFLICT means that a',
    'participant has done the opposite, PARKED that the step of a saga has failed too often, or that no replica has its steps:',
    'both wait for you. IN DOUBT AT lists the participants that hold their locks until they learn the decision.',
    '',
    'resolve prints what it does. It asks the coordinator, which refuses an outcome that contradicts its decision. --commit or',
    '--abort of a decided transaction finishes it now; --abort of an undecided one aborts it; either of them, for a CONFLICT,',
    'says that you have corrected the data. --force goes to the participants in doubt, whatever the decision was: use it only',
    'if the coordinator is lost for good. --retry lets a parked saga go on with its step. An id may be shortened if it stays',
    'unique.',
    '',
    'With --json, ls prints .transactions[] with id, coordinator, kind, subject, state (UNKNOWN if no coordinator that',
    'answered has it), decision (COMMITTED, ABORTED or null), attempts, participants and inDoubt; .sagas[]; and',
    '.unreachable[]. resolve prints id, outcome, heuristic (whether participants were told without their coordinator) and',
    'participants, with what each was told.',
  ].join('\n'),
  options: {
    commit: flag('Commit the transaction.'),
    abort: flag('Abort the transaction.'),
    retry: flag('Let a parked saga go on.'),
    force: flag('End it even against a decision, or if the decision is not known.'),
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 2,
  examples: [
    ['tx ls', 'What is unfinished, and why.'],
    ['tx resolve 1f3a --commit', 'Finishes a decided transaction now.'],
    ['tx resolve 1f3a --abort --force', 'Frees the locks that are held for a lost coordinator.'],
    ['tx resolve 77c0 --retry', 'Lets a parked saga go on.'],
    ["tx ls --json | jq -e '.transactions == []'", 'Fails if a transaction is unfinished.'],
  ],
  complete,
  exitCodes: { FAILED: 'Refused or failed; standard error says why.' },
  async run({ values, positionals: [action = '', id] }, context) {
    const word = parseAction(action, id, values);
    const { channel, unfinished } = await readUnfinished(values.registry, context);
    await reportUnreachable(unfinished, context);
    if (word === undefined)
      return { json: viewUnfinished(unfinished), text: formatUnfinished(unfinished, context.clock.now()) };
    const { json = false, force = false } = values;
    return await resolve(word, unfinished, { channel, json, force, context });
  },
});

type Ending = 'commit' | 'abort' | 'retry';

/** Parses `resolve`: the id, and how to end it; undefined for `ls`. */
function parseAction(
  action: string,
  id: string | undefined,
  values: { readonly [K in Ending | 'force']?: boolean | undefined },
): { readonly id: string; readonly ending: Ending } | undefined {
  const endings = (['commit', 'abort', 'retry'] as const).filter((ending) => values[ending]);
  if (action === 'ls') {
    if (id !== undefined || endings.length > 0 || values.force)
      throw new UsageError('rondo tx ls takes no more than --json');
    return undefined;
  }
  if (action !== 'resolve') throw new UsageError(`say what to do: rondo tx ls, or rondo tx resolve <id>`);
  const [ending, another] = endings;
  if (id === undefined || id === '') throw new UsageError('name an id: rondo tx ls lists them');
  if (ending === undefined || another !== undefined) throw new UsageError('say one of --commit, --abort and --retry');
  return { id, ending };
}

async function readUnfinished(registry: string | undefined, context: CommandContext) {
  const { clock, signal } = context;
  const { instances } = await registeredInstances(registry, context);
  const channel = reachOf(endpointsOf(instances));
  const told = gatherTransactions(gathererOf(channel, clock), { follows: false }, { signal });
  const unfinished = joinTransactions(await collect(told));
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

interface Resolving {
  readonly channel: Reach;
  readonly json: boolean;
  readonly force: boolean;
  readonly context: CommandContext;
}

async function resolve(
  { id, ending }: { readonly id: string; readonly ending: Ending },
  unfinished: Unfinished,
  { channel, json, force, context }: Resolving,
): Promise<Printed> {
  const { stderr, signal } = context;
  const found = findUnfinished(id, unfinished);
  if ('saga' in found) return await retry(found, ending, { channel, signal });
  if (ending === 'retry') throw new UsageError(`${found.id} is a transaction: --commit or --abort`);
  const explain = async (line: string): Promise<void> => {
    if (!json) await stderr.write(`${printable(line)}\n`);
  };
  const coordinator = unfinished.coordinators.get(found.coordinator);
  const resolved = await resolveTransaction(found, coordinator, {
    ...{ channel, wanted: ending, force, explain, signal },
  });
  return { json: resolved, text: describe(resolved) };
}

function describe({ id, outcome, heuristic, participants }: Awaited<ReturnType<typeof resolveTransaction>>): string {
  const told = participants
    .map(({ participant, outcome: ended }) => `${printable(participant)}: ${ended.toLowerCase()}\n`)
    .join('');
  const end = heuristic
    ? `by your order`
    : 'by its coordinator; rondo tx ls shows whether all participants have confirmed it';
  return `${told}${printable(id)} is ${outcome.toLowerCase()} ${end}\n`;
}

async function retry(
  found: Unfinished['sagas'][number],
  ending: Ending,
  at: Parameters<typeof retrySaga>[1],
): Promise<Printed> {
  const { saga } = found;
  if (ending !== 'retry') throw new UsageError(`${saga.id} is a saga: --retry`);
  await retrySaga(found, at);
  const { id, step } = saga;
  return { json: { id, step, retried: true }, text: `${printable(`${id} goes on with ${step || 'its last step'}`)}\n` };
}

async function complete(
  { positionals, word, values }: Written,
  context: CommandContext,
): Promise<readonly Candidate[]> {
  if (positionals.length === 0)
    return ACTIONS.filter((action) => action.startsWith(word)).map((one) => ({ word: one }));
  if (positionals.length > 1 || positionals[0] !== 'resolve') return [];
  const { transactions, sagas } = (await readUnfinished(values['registry'], context)).unfinished;
  const known = [
    ...transactions.map(({ id, logged }) => ({
      word: id,
      about: logged === undefined ? 'in doubt' : `${logged.kind} ${logged.subject}`,
    })),
    ...sagas.map(({ saga }) => ({ word: saga.id, about: `${saga.kind} ${saga.subject}` })),
  ];
  return known.filter((candidate) => candidate.word.startsWith(word));
}
