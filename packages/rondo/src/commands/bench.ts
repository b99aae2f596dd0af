import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { isPicked } from '@rondo/operate/internal';
import { methodOf } from '@rondo/schema';
import {
  ANSWERED_SHARE,
  type ClimbOptions,
  climb,
  SHORTEST_LIMIT_MS,
  type Step,
  TIMES_LOWEST,
} from '../bench/climb.js';
import { type Fill, type Fullness, noteFill } from '../bench/fullness.js';
import { type BenchStep, type Measured, resultOf, toText } from '../bench/report.js';
import { runLoad } from '../call/load.js';
import { allMessages, probe, requestSource } from '../call/requests.js';
import type { CallResult } from '../call/tally.js';
import { callsTo, withTarget } from '../call/target.js';
import { type CommandContext, defineCommand } from '../command.js';
import { completeMethod } from '../completion/registered.js';
import { callerConnections } from '../environment.js';
import { UsageError } from '../errors.js';
import { flag } from '../help.js';
import { duration, jsonOption, metadataOption, parseMetadata, rate, registryOption } from '../options.js';
import { registeredInstances } from '../registry/locate.js';
import { createPaint, tableLook } from '../terminal/terminal.js';
import { createSampler } from '../top/sampler.js';

/** Each call in flight takes memory: a step with more is broken. */
const MOST_IN_FLIGHT = 10_000;
const MOST_RATE = 100_000;
/** The instances that are asked what was full. */
const MOST_INSTANCES = 200;
const STEPS = { least: 1_000, most: Number.POSITIVE_INFINITY, words: 'at least 1s, such as 5s' };
/** A call that isn't answered so long after its step counts as unanswered. */
const LAST_ANSWERS_MS = 8_000;
/** How long code is compiled, and connections are opened, before the first step. */
const WARM_UP_MS = 2_000;

export const bench = defineCommand({
  name: 'bench',
  summary: 'Raises the load of a method until it breaks: how much it carries, and what is full then.',
  details: [
    'It offers calls at a rate, whether or not earlier ones have ended, for the time of --step; then at twice that rate, until',
    'a step breaks, and last between the highest rate that held and the lowest that broke. The latency of a call counts from',
    'the time when it was due. A step that breaks is measured once more.',
    '',
    `A step holds if ${ANSWERED_SHARE * 100} % of its calls are answered with OK, fewer than ${MOST_IN_FLIGHT} are in flight, and p99 is at most --limit: by`,
    `default ${TIMES_LOWEST} times the lowest p99 so far, and at least ${SHORTEST_LIMIT_MS} ms. The knee is the highest rate that held.`,
    '',
    'What was full above the knee is named, as the instances say each second: an event loop, a pool of database connections,',
    'limits of admission, the processors of this machine, or this load generator itself: then run it on another machine.',
    '',
    'A method that is not NO_SIDE_EFFECTS by its contract may change data with each call: it takes --allow-changes. Ctrl-C ends',
    'the command, which prints the steps so far.',
  ].join('\n'),
  options: {
    from: { ...rate('R', 'The first rate, in calls a second.', MOST_RATE), default: '50' },
    max: { ...rate('R', 'The highest rate.', MOST_RATE), default: `${MOST_RATE}` },
    step: { ...duration('TIME', 'The time of each step, from 1s.', STEPS), default: '5s' },
    limit: duration('TIME', 'The highest p99 that holds, such as 50ms.'),
    target: rate('R', 'Tell how many replicas carry R calls a second.'),
    'allow-changes': flag('Call a method that may change data with each call.'),
    ...metadataOption,
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '<service>/<method>', text: '[json | -]' },
  missing: 'name a method, such as calculator.v1.CalculatorService/Add',
  examples: [
    [`bench ProductService/ListProducts --limit 50ms --json`, 'With a limit of your own, for a script.'],
    [`bench CalculatorService/Add '{"a": 2, "b": 3}' --target 5000`, 'How many replicas carry 5000 calls a second.'],
  ],
  complete: completeMethod,
  exitCodes: { FAILED: 'The method could not be called, or no rate held.' },
  async run({ name, text, from, max, step: stepMs, limit: limitMs, target: wanted, ...values }, context) {
    const { environment, json, stdout, stderr, signal } = context;
    const plan = { from, most: Math.max(from, max), limitMs, stepMs, target: wanted };
    const where = await callsTo(undefined, context);
    const metadata = parseMetadata(values.metadata);
    const options = { where, connections: callerConnections(environment), metadata, signal };
    return withTarget(name, options, async (target) => {
      const { service, name: methodName, requestStream, responseStream } = target.method;
      const method = `${service}/${methodName}`;
      if (requestStream || responseStream)
        throw new UsageError(`${method} streams: rondo bench is for methods with one request and one reply`);
      if (!values['allow-changes'] && methodOf(target.method)?.policy.idempotency !== 'no_side_effects')
        throw new UsageError(
          `${method} isn't NO_SIDE_EFFECTS by its contract: thousands of calls may change data. Add --allow-changes if that is wanted`,
        );
      const source = requestSource(text === undefined ? [] : [text], context);
      const requests = await allMessages(source, target.method, target.schema);
      const call = (cutOff: AbortSignal) =>
        probe(target.invoke, { metadata, requests, onReply: () => undefined, signal: cutOff });
      const first = await call(signal);
      if (first !== undefined && first.code !== 'OK')
        throw new Error(`the first call failed, so none more is made: ${first.code}: ${first.message}`);
      const { instances } = await registeredInstances(context);
      const measured = await measure({ ...plan, service, method, call, instances }, context);
      const { steps } = measured;
      if (steps.length === 0 && !json)
        await stderr.write(`${createPaint(stderr.color)('dim', 'no step was completed')}\n`);
      const result = resultOf(measured);
      return {
        json: { method, instances: measured.instances, steps, ...result },
        text: steps.length === 0 ? '' : toText(measured, tableLook(stdout)),
        failed: result.knee === null,
      };
    });
  },
});

type Call = (cutOff: AbortSignal) => Promise<CallResult | undefined>;

/** What is called and offered, and for how long each. */
interface Job extends Pick<ClimbOptions<Step>, 'from' | 'most' | 'limitMs'>, Pick<Measured, 'method' | 'target'> {
  readonly service: string;
  readonly call: Call;
  /** All that are registered. */
  readonly instances: readonly Instance[];
  readonly stepMs: number;
}

async function measure(job: Job, context: CommandContext): Promise<Measured> {
  const { service, method, call, instances, target, ...plan } = job;
  const { stderr, clock, signal } = context;
  let fill: Fill | undefined;
  const sampler = createSampler({ clock, signal, onSample: (sampled) => fill?.record(sampled) });
  sampler.follow(instances.slice(0, MOST_INSTANCES));

  async function step(offered: number, stepMs: number): Promise<Step & Fullness> {
    fill = undefined;
    await sampler.ask();
    fill = noteFill();
    const full = new AbortController();
    let inFlight = 0;
    const counted: Call = async (cutOff) => {
      inFlight += 1;
      if (inFlight >= MOST_IN_FLIGHT) full.abort();
      return await call(cutOff).finally(() => {
        inFlight -= 1;
      });
    };
    const load = { count: undefined, durationMs: stepMs, rate: offered, concurrency: MOST_IN_FLIGHT };
    const late = new AbortController();
    const timer = clock.setTimer(stepMs + LAST_ANSWERS_MS, () => late.abort());
    const ending = AbortSignal.any([signal, full.signal, late.signal]);
    const onProgress = () => void sampler.ask();
    const result = await runLoad({ ...load, call: counted, onProgress, clock, signal: ending });
    timer.cancel();
    await sampler.ask();
    const { calls, failed, p50Ms, p99Ms } = result.tally;
    // The first answer comes after the least latency: of a slow method, answers still come when no calls are due.
    const answeringMs = Math.max(result.elapsedMs - result.tally.leastMs, (calls / offered) * 1_000);
    const answered = calls === 0 ? 0 : (calls - failed) / (answeringMs / 1_000);
    const overfull = full.signal.aborted;
    return { offered, answered, calls, failed, p50Ms, p99Ms, overfull, ...fill.read(result.lateP99Ms) };
  }

  try {
    await step(plan.from, Math.min(WARM_UP_MS, plan.stepMs));
    const steps = await climb({
      ...plan,
      signal,
      measure: (offered) => step(offered, plan.stepMs),
      onStep: (done) => void stderr.write(toProgress(done)),
    });
    const picked = instances.filter((one) => one.services.includes(service) && isPicked(one));
    return { method, instances: Math.max(1, picked.length), steps, target };
  } finally {
    sampler.close();
  }
}

const toProgress = ({ offered, p99Ms, broken }: BenchStep): string =>
  `${offered.toFixed(0)}/s: p99 ${p99Ms ?? '-'} ms${broken === null ? '' : `; broken: ${broken}`}\n`;
