import { RunRecords } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import type { MethodDefinition, Trial } from '@rondo/rpc/internal';
import { Execution } from './execution.js';
import { CANCELLED } from './outcome.js';
import type { DeclaredRuns } from './runs.js';
import { createStepCaller } from './step-caller.js';
import type { LoadedRun, RunStore, StepKind } from './store.js';
import type { Run, Workflow } from './workflow.js';

const NOTHING = () => Promise.reject(new Error('a trial has no effect'));
const REFUSES: RunStore = {
  ...{
    load: NOTHING,
    begin: NOTHING,
    end: NOTHING,
    transaction: NOTHING,
    advance: NOTHING,
    fail: NOTHING,
    follow: NOTHING,
  },
  ...{ finish: NOTHING, retry: NOTHING, park: NOTHING, block: NOTHING },
};
const NO_CHANNEL = createStepCaller(() => createChannel({ resolver: staticResolver([]) }));

/** Calls the function of this process for a run that another process has stored, by its records alone; undefined if it has no such workflow. */
export async function tryRun(declared: readonly DeclaredRuns[], encoded: Uint8Array): Promise<Trial | undefined> {
  const { name, method, request, createTime = new Date(0), undoing, steps } = RunRecords.decode(encoded);
  const own = declared.find((one) => one.name === method);
  if (own === undefined) return undefined;
  const records = steps.map(({ outcome, kind, ...step }) => ({
    ...step,
    ...{ kind: kind as StepKind, request: null, beginTime: createTime, place: outcome?.place ?? 0 },
    outcome: outcome && { code: outcome.code, bytes: outcome.bytes ?? null },
  }));
  const run: LoadedRun = {
    ...{ id: name.slice(-26), request, createTime, now: createTime, steps: records },
    failure: undoing ? CANCELLED : undefined,
  };
  const results = new Set<string>();
  const onCall = (step: string, { service, name: called, operation }: MethodDefinition) => {
    if (operation === undefined && records.some((record) => record.name === step && record.outcome?.code === 0))
      results.add(`${service}/${called}`);
  };
  const workflow: Workflow = {
    method: own.workflow.method,
    body: (message, given) => own.workflow.body(message, observed(given, onCall)),
  };
  const { signal } = new AbortController();
  const options = { workflow, name, run, store: REFUSES, caller: NO_CHANNEL, signal, isTrial: true };
  const verdict = await new Execution(options).run();
  const fault =
    verdict.next === 'park' || verdict.next === 'block'
      ? verdict.reason
      : verdict.next === 'retry'
        ? `the function fails: ${String(verdict.error)}`
        : undefined;
  return { fault, results: [...results] };
}

const observed = (run: Run, onCall: (step: string, method: MethodDefinition) => void): Run => ({
  ...run,
  call(step, method, ...rest) {
    onCall(step, method);
    return run.call(step, method, ...rest);
  },
});
