import type { GetTraceResponse } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { collect, findTrace, type Gatherer, splitSilent } from '@rondo/operate/internal';
import { treeOf, walk } from '@rondo/operate/page';
import { sleep } from '@rondo/rpc/clock';
import type { CommandContext, Printed, RunContext } from '../command.js';
import { tableLook } from '../terminal/terminal.js';
import { formatTime, printable } from '../terminal/text.js';
import { formatTrace } from './format.js';

/** How often, and how many times, a trace is asked for whose first span may not have ended yet. */
const AGAIN_MS = 100;
const MOST_TIMES = 10;

interface Wanted {
  /** Its id, or the beginning of it. */
  readonly traceId: string;
  readonly gatherer: Gatherer;
  /** The span that the command itself has sent, if the trace is that of its own call: what answered it may still be about to end. */
  readonly causedBy?: string;
}

/** The tree of a trace; standard error says what is missing in it. @throws Error that says why there is none. */
export async function showTrace({ traceId, gatherer, causedBy }: Wanted, context: RunContext): Promise<Printed> {
  const { json, stdout, stderr, clock, signal } = context;
  const ask = async () => join(await collect(findTrace({ traceId }, gatherer, { signal })));
  let trace = await ask();
  const isThere = () => causedBy === undefined || trace.spans.some(({ parentSpanId }) => parentSpanId === causedBy);
  for (let times = 1; trace.keeping > 0 && !isThere() && times < MOST_TIMES; times += 1) {
    await sleep(clock, AGAIN_MS, signal);
    trace = await ask();
  }
  signal.throwIfAborted();
  const [found = traceId, another] = trace.traceIds;
  if (another !== undefined)
    throw new Error(`"${traceId}" begins several traces: ${trace.traceIds.join(', ')}; give more of the id`);
  const { lostSpans, silent } = trace;
  if (trace.spans.length === 0) throw new Error(explainAbsence(traceId, trace));
  const roots = treeOf(trace.spans);
  if (!json) {
    if (lostSpans > 0) await stderr.write(`${lostSpans} more spans were not kept: the trace is too long\n`);
    await tellSilent(silent, context);
  }
  const spans = [...walk(roots)].map(({ node: { span, selfMs }, depth }) => ({ ...span, selfMs, depth }));
  return {
    json: { traceId: found, spans, lostSpans, ...splitSilent(silent) },
    text: `trace ${printable(found)}\n${formatTrace(found, roots, tableLook(stdout))}`,
  };
}

type Silent = Parameters<typeof splitSilent>[0];

/** What the processes have of a trace; spans only if one trace alone begins as asked. */
const join = ({ answers, silent }: { readonly answers: readonly GetTraceResponse[]; readonly silent: Silent }) => ({
  silent,
  traceIds: [...new Set(answers.flatMap((answer) => answer.traceIds))].sort(),
  spans: answers.flatMap(({ instanceId, spans }) => spans.map((span) => ({ ...span, instanceId }))),
  lostSpans: answers.reduce((sum, { lostSpans }) => sum + lostSpans, 0),
  keeping: answers.length,
  completeSinceMs: Math.max(0, ...answers.map(({ completeSinceUnixMs }) => completeSinceUnixMs)),
});

/** Names the processes whose spans are missing. */
export async function tellSilent(silent: Silent, { stderr }: CommandContext): Promise<void> {
  const { off, unreachable } = splitSilent(silent);
  if (off.length > 0) await stderr.write(`${off.join(', ')}: no spans are kept there: RONDO_RECENT_BYTES is 0\n`);
  for (const line of refusals(unreachable)) await stderr.write(`${printable(line)}: spans are missing\n`);
}

/** The instances that couldn't be asked, those with one reason together. */
function refusals(unreachable: Silent): readonly string[] {
  return [...new Set(unreachable.map(({ reason }) => reason))].map((why) => {
    const names = unreachable.filter(({ reason }) => reason === why).map(({ instanceId }) => instanceId);
    const remedy = why.includes('traces.read') ? '; RONDO_TOKEN=$(./rondo token --as NAME --scopes traces.read)' : '';
    return `${names.join(', ')} can't be asked (${why}${remedy})`;
  });
}

function explainAbsence(traceId: string, { keeping, completeSinceMs, silent }: ReturnType<typeof join>): string {
  const { off, unreachable } = splitSilent(silent);
  const others = [
    off.length === 0 ? '' : `; no spans are kept in ${off.join(', ')}`,
    ...refusals(unreachable).map((line) => `; ${line}`),
  ].join('');
  if (keeping === 0)
    return `no process tells its spans: npm start keeps them, and so does RONDO_RECENT_BYTES=5242880${others}`;
  const since = formatTime(completeSinceMs);
  return `no process has a trace ${traceId}: it wasn't sampled, or it ended before ${since}, since when all ${keeping} keep theirs${others}`;
}
