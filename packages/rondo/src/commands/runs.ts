import {
  RunServiceDefinition as definition,
  type Run,
  RunState,
  type RunStep,
} from '@rondo/contracts/rondo/jobs/v1/runs';
import { enumName, listRuns } from '@rondo/operate/internal';
import type { CallOptions, Client } from '@rondo/rpc/client';
import { operationService } from '@rondo/rpc/internal';
import { type CommandContext, defineActions, type Printed } from '../command.js';
import { completeService } from '../completion/registered.js';
import { oneOf } from '../help.js';
import { jsonOption, registryOption } from '../options.js';
import { askService, askServices } from '../registry/groups.js';
import { formatTable } from '../terminal/table.js';
import { ageOf, printable, timeOf } from '../terminal/text.js';

const RUNS = { definition, what: 'workflows' };
const STATES = ['RUNNING', 'WAITING', 'BLOCKED', 'PARKED', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;
const ONE = { args: { name: '<name>' }, missing: 'name a run: rondo runs ls lists them' } as const;

export const runs = defineActions({
  name: 'runs',
  summary: 'Shows the runs of workflows and their steps; lets one go on, or cancels it.',
  details: [
    'A run is a function of a service that goes on after a crash or a sleep. A BLOCKED one waits for you, and WHY says what to do.',
    'retry lets it go on, with as many attempts as a new one; a call whose outcome may be forgotten is made again. cancel undoes',
    'what a run has done, and ends it. A run is named as its operation: operations/SERVICE/ID.',
  ].join('\n'),
  options: { state: oneOf('STATE', 'Only the runs in this state.', STATES), ...registryOption, ...jsonOption },
  examples: [
    ['runs ls', 'Runs that wait for an operator first, then the newest: at most a thousand of a service.'],
    ['runs ls sales --state FAILED', 'Runs of a service that have ended with an error.'],
    [
      'runs show operations/sales.v1.OrderService/01J2',
      'A run, with what each of its steps came to, and its trace: rondo trace ID.',
    ],
  ],
  exitCodes: { FAILED: 'Refused, or a service could not be asked; standard error says why.' },
  usual: 'ls',
  actions: {
    ls: {
      args: { name: '[service]' },
      complete: completeService,
      async run({ name, state }, context) {
        const states = state && [RunState[`RUN_STATE_${state}`]];
        const { answers, failed } = await askServices(
          { ...RUNS, name, call: (client, how) => listRuns(client, { ...(states && { states }) }, how) },
          context,
        );
        const found = answers.flat();
        const nowMs = context.clock.now();
        const rows = found.map((run) => [
          ...[run.name, run.method.replace(/^.*\//, ''), run.key, stateOf(run), timeOf(run.dueTime)],
          ...[ageOf(run.createTime, nowMs), run.attempts, run.error || '-'],
        ]);
        const heading = ['RUN', 'WORKFLOW', 'KEY', 'STATE', 'GOES ON', 'AGE', 'TRIES', 'WHY'];
        return { json: { runs: found.map(view) }, text: formatTable([heading, ...rows]), failed };
      },
    },
    show: { ...ONE, run: (one, context) => ask(one, 'getRun', context) },
    retry: { ...ONE, run: (one, context) => ask(one, 'retryRun', context) },
    cancel: { ...ONE, run: (one, context) => ask(one, 'cancelRun', context) },
  },
});

/** The service that has a run is in the run's name. */
async function ask(
  { name }: { readonly name: string },
  call: 'getRun' | 'retryRun' | 'cancelRun',
  context: CommandContext,
): Promise<Printed> {
  const asked = {
    ...RUNS,
    name: operationService({ name }),
    // A cancelled run is tried again by the versions that it has not fitted: it is parked, but not at once.
    async call(client: Client<typeof definition>, options: CallOptions) {
      const before = call === 'cancelRun' ? await client.getRun({ name }, options) : undefined;
      const run = await client[call]({ name }, options);
      return { run, isParked: [before, run].some((one) => one?.state === RunState.RUN_STATE_PARKED) };
    },
  };
  const { run, isParked } = await askService(asked, context);
  const undoes = `, and undoes what it has done${isParked ? ' once a version that fits runs' : ''}`;
  const is = call === 'cancelRun' && isParked ? 'cancelled' : stateOf(run);
  const state = `${printable(run.name)} is ${is}${run.undoing ? undoes : ''}`;
  const why = run.error === '' ? '' : `: ${printable(run.error)}`;
  const steps = call === 'getRun' ? `\n${formatSteps(run.steps)}` : '';
  return { json: view(run), text: `${state}${why}\n${steps}` };
}

const stateOf = ({ state }: Run) => enumName(RunState[state], 'RUN_STATE_', state);

const view = (run: Run) => ({ ...run, state: stateOf(run) });

function formatSteps(steps: readonly RunStep[]): string {
  const rows = steps.map((step) => [
    ...[step.name, step.undoing ? `undo: ${step.kind}` : step.kind, timeOf(step.beginTime), timeOf(step.endTime)],
    step.traceId || '-',
    step.error || (step.repeated ? 'a call before the restore may have made it, too' : '-'),
  ]);
  return formatTable([['STEP', 'KIND', 'BEGAN', 'ENDED', 'TRACE', 'WHY'], ...rows]);
}
