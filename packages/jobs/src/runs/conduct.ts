import { backoffMs } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import { awayMs, isAway } from '../failure.js';
import { errorText } from '../store.js';
import { Execution, type Verdict } from './execution.js';
import type { ExecutionOptions } from './steps.js';
import { RunCancelled } from './store.js';

interface ConductOptions extends Omit<ExecutionOptions, 'run'> {
  /** Those since the last outcome, with this one. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** How many processes have ended since the last outcome, while they executed the run. */
  readonly ends?: number;
  readonly random: Random;
  readonly log: Logger;
  readonly onVerdict?: (verdict: Verdict) => void;
}

/** The pauses between the attempts at a step. */
export const BACKOFF = { baseMs: 1_000, maxMs: 3_600_000 };
/** A call that reached no instance is made again after 1 to 2 s. */
const AWAY_TIMES = 3;
/** A run isn't executed again that has ended so many processes, the last two of which executed nothing else. */
const MOST_ENDS = 3;

const REMEDY = 'remove the cause, then retry the run, or cancel it to undo what it has done';

/** Executes a run until it ends, is given back, or waits for an operator, and records that. Resolves to the last verdict. @throws ClaimLost */
export async function conduct(options: ConductOptions): Promise<Verdict> {
  const { store, attempts, ends = 0, maxAttempts, onVerdict } = options;
  const during = ends >= MOST_ENDS ? `each of ${MOST_ENDS} attempts` : 'the last attempt';
  let verdict: Verdict = { next: 'block', reason: `its process ended during ${during}: ${REMEDY}` };
  let again = true;
  if (ends >= MOST_ENDS || attempts > maxAttempts + 1) {
    await store.load();
    again = await settle(options, verdict);
  }
  while (again) {
    verdict = await new Execution({ ...options, run: await store.load() }).run();
    onVerdict?.(verdict);
    again = await settle(options, verdict);
  }
  return verdict;
}

/** Records what becomes of a run after an execution. Resolves to whether it is executed again now. */
async function settle(options: ConductOptions, verdict: Verdict): Promise<boolean> {
  const { store } = options;
  try {
    if (verdict.next === 'finish') await store.finish(verdict.outcome);
    else if (verdict.next === 'fail') await store.fail(verdict.outcome);
    else if (verdict.next === 'block') await block(options, verdict.reason, verdict);
    else if (verdict.next === 'park') await park(options, verdict.reason);
    else if (verdict.next === 'retry') await retry(options, verdict);
  } catch (error) {
    if (error instanceof RunCancelled) return true; // before that: it is executed again, to be undone
    throw error;
  }
  return verdict.next === 'fail' || verdict.next === 'again';
}

type Retry = Extract<Verdict, { next: 'retry' }>;

/** Which step has failed, the method that it called, and why. */
export function faultOf({ error, asked: failed }: Retry): string {
  const step = failed === undefined ? 'an attempt' : `step ${failed.step.name}`;
  const called = failed?.callee === undefined ? '' : `, a call of ${failed.callee},`;
  const code = error instanceof RpcError ? `${error.codeName}: ` : '';
  return `${step}${called} failed: ${code}${errorText(error)}`;
}

/** The first failure of a step is a warning. One that reached no instance repeats it until there is one, and counts as none. */
async function retry(options: ConductOptions, verdict: Retry): Promise<void> {
  const { store, log, random, name, maxAttempts } = options;
  const { error, asked: failed, progressed } = verdict;
  const away = isAway(error);
  const attempts = (progressed ? 1 : options.attempts) - Number(away);
  const text = errorText(error);
  const fields = { err: error, step: failed?.step.name, method: failed?.callee, attempt: attempts };
  if (attempts >= maxAttempts) return await block(options, `${text}: ${REMEDY}`, { fields });
  const level = attempts === 1 ? 'warn' : 'debug';
  log[level]({ ...ofRun(options), ...fields }, `${name}: ${faultOf(verdict)}; it is tried again`);
  const waitMs = away ? awayMs(AWAY_TIMES, random) : backoffMs(attempts - 1, { ...BACKOFF, random, jitter: 'equal' });
  return await store.retry({ error: text, waitMs, attempts });
}

async function park(options: ConductOptions, reason: string): Promise<void> {
  await options.store.park(errorText(reason));
  const text = `${options.name} is left to processes of another version: ${reason}`;
  options.log.warn(ofRun(options), text);
}

interface Blocked {
  /** What the operator decides about. */
  readonly step?: string | undefined;
  /** What else the log says. */
  readonly fields?: object;
}

async function block(options: ConductOptions, reason: string, { step, fields = {} }: Blocked = {}): Promise<void> {
  await options.store.block(reason, step);
  options.log.error({ ...ofRun(options), ...fields }, `${options.name} waits for an operator: ${reason}`);
}

const ofRun = ({ name, workflow: { method } }: ConductOptions) => ({
  run: name,
  workflow: `${method.service}/${method.name}`,
});
