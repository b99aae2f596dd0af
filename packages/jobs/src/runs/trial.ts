import { RunRecords } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import type { MessageType, Trial } from '@rondo/rpc/internal';
import { Execution } from './execution.js';
import { CANCELLED } from './outcome.js';
import type { DeclaredRuns } from './runs.js';
import { createStepCaller } from './step-caller.js';
import type { LoadedRun, RunStore, StepKind } from './store.js';
import type { Run, Workflow } from './workflow.js';

const NOTHING = () => Promise.reject(new Error('a trial has no effect'));
const WRITES = [
  'load',
  'begin',
  'end',
  'transaction',
  'advance',
  'fail',
  'follow',
  'finish',
  'retry',
  'park',
  'block',
] as const;
const REFUSES = Object.fromEntries(WRITES.map((name) => [name, NOTHING])) as Record<keyof RunStore, typeof NOTHING>;
const NO_CHANNEL = createStepCaller(() => createChannel({ resolver: staticResolver([]) }));

/** Calls the function of this process for a run that another process has stored, by its records alone; undefined if it has no such workflow. */
export async function tryRun(declared: readonly DeclaredRuns[], encoded: Uint8Array): Promise<Trial | undefined> {
  const { name, method, request, createTime = new Date(0), undoing, steps } = RunRecords.decode(encoded);
  const own = declared.find((one) => one.name === method);
  if (own === undefined) return undefined;
  const records = steps.map(({ outcome, kind, ...step }) => ({
    ...step,
    kind: kind as StepKind,
    request: null,
    beginTime: createTime,
    place: outcome?.place ?? 0,
    outcome: outcome && { code: outcome.code, bytes: outcome.bytes ?? null },
  }));
  const run: LoadedRun = {
    id: name.slice(-26),
    request,
    createTime,
    now: createTime,
    steps: records,
    failure: undoing ? CANCELLED : undefined,
  };
  const messages = new Set<string>();
  const read = ({ $type = '' }: Pick<MessageType, '$type'>) => messages.add($type);
  read(own.workflow.method.requestType);
  const observed = (given: Run): Run => ({
    ...given,
    call(step, called, ...rest) {
      const record = records.find((one) => one.name === step);
      if (record?.outcome?.code === 0) read((called.operation ?? called).responseType);
      else if (record !== undefined && record.outcome === undefined) read(called.requestType); // it is sent again
      return given.call(step, called, ...rest);
    },
    wait(step, type, ...rest) {
      read(type); // a signal may have come, and comes from other versions
      return given.wait(step, type, ...rest);
    },
  });
  const workflow: Workflow = {
    method: own.workflow.method,
    body: (message, given) => own.workflow.body(message, observed(given)),
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
  return { fault, messages: [...messages] };
}
