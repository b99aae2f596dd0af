import { describe, expect, it } from '@jest/globals';
import {
  type Span,
  SpanKind,
  TraceServiceDefinition,
  type TraceSummary,
} from '@rondo/contracts/rondo/tracing/v1/tracing';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { begin } from './recording-context.js';
import { useStandIns } from './stand-in-fleet.js';

const { run, environment, register } = useStandIns('trace');

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OTHER = '4bf92f3577b34da6a3ce929d0e0e4737';
const SINCE = Date.UTC(2026, 0, 1, 12);

type Spans = readonly Partial<Span>[];

/** An instance with spans of traces, by id; undefined if it keeps none, or an error with which it answers. */
async function start(instanceId: string, traces: Readonly<Record<string, Spans>> | undefined | RpcError) {
  const { getTrace, listTraces } = {
    getTrace({ traceId }: { traceId: string }) {
      if (traces instanceof RpcError) throw traces;
      const traceIds = Object.keys(traces ?? {}).filter((id) => id.startsWith(traceId));
      const spans = [...((traceIds.length === 1 && traces?.[traceIds[0] ?? '']) || [])];
      return { instanceId, traceIds, spans, completeSinceUnixMs: SINCE };
    },
    listTraces: () => ({ instanceId, traces: Object.entries(traces ?? {}).map(([id, spans]) => summary(id, spans)) }),
  };
  async function* watchTraces() {
    for (const [id, spans] of Object.entries(traces ?? {})) {
      yield { instanceId, traces: [summary(id, spans)], leftOut: 0 };
      // A process tells of a trace again when another part of it has ended.
      yield { instanceId, traces: [summary(id, spans)], leftOut: 7 };
    }
    await new Promise(() => undefined);
  }
  const service = traces && standIn(TraceServiceDefinition, { getTrace, listTraces, watchTraces });
  await register(instanceId, service, 'sales.v1.QuoteService');
}

function summary(traceId: string, spans: Spans): TraceSummary {
  const starts = spans.map(({ startUnixMs = 0 }) => startUnixMs);
  const ends = spans.map(({ startUnixMs = 0, durationMs = 0 }) => startUnixMs + durationMs);
  return {
    traceId,
    name: spans[0]?.name ?? '',
    startUnixMs: Math.min(...starts),
    durationMs: Math.max(...ends) - Math.min(...starts),
    spans: spans.length,
    failedSpans: spans.filter(({ error }) => error).length,
    streaming: false,
    status: 'OK',
    refused: false,
  };
}

const { SPAN_KIND_CLIENT: CLIENT, SPAN_KIND_SERVER: SERVER } = SpanKind;
const QUOTE = 'sales.v1.QuoteService/AcceptQuote';
const AT = Date.UTC(2026, 0, 1, 13);
const span = (
  [spanId, parentSpanId]: readonly [string, string],
  [at, ms]: readonly [number, number],
  more: Partial<Span> = {},
) => ({ spanId, parentSpanId, startUnixMs: AT + at, durationMs: ms, name: 'work', ...more });

/** A call of the gateway, which fails at one instance of sales and succeeds at the other. */
async function startThree() {
  const attributes = { 'rpc.method': QUOTE, 'rondo.instance': 'sales-1' };
  const failed = { name: 'attempt failed', unixMs: AT + 4, attributes: { to: 'sales-1' } };
  await start('gateway-1', {
    [TRACE]: [
      span(['b', 'a'], [1, 8], { name: QUOTE, kind: CLIENT, attributes, events: [failed] }),
      span(['c', 'b'], [5, 3], {
        name: QUOTE,
        kind: CLIENT,
        attributes: { ...attributes, 'rondo.instance': 'sales-2', 'rondo.attempt': '2' },
      }),
      span(['a', '0'], [0, 10], {
        name: 'POST /v1/quotes',
        kind: SERVER,
        attributes: { 'http.response.status_code': '200' },
      }),
    ],
  });
  const code = { 'rpc.response.status_code': 'UNAVAILABLE' };
  await start('sales-1', {
    [TRACE]: [span(['d', 'b'], [2, 1.5], { name: QUOTE, kind: SERVER, attributes: code, error: 'away' })],
  });
  await start('sales-2', { [TRACE]: [span(['e', 'c'], [6, 1], { name: QUOTE, kind: SERVER })] });
}

it('prints a trace of several processes as a tree, with attempts and the time that nothing else took', async () => {
  await startThree();
  const { exitCode, stdout, stderr } = await run(TRACE);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toBe(
    [
      `trace ${TRACE}`,
      '  AT   TOOK  SELF  INSTANCE   SPAN',
      '0.00  10.00  2.00  gateway-1  POST /v1/quotes 200',
      `1.00   8.00  3.50  gateway-1    → ${QUOTE} at sales-1`,
      '4.00                              · attempt failed: sales-1',
      `2.00   1.50  1.50  sales-1        ${QUOTE} UNAVAILABLE away`,
      `5.00   3.00  2.00  gateway-1      → ${QUOTE} at sales-2 attempt 2`,
      `6.00   1.00  1.00  sales-2          ${QUOTE}`,
      '',
    ].join('\n'),
  );
});

it.each([
  ['its beginning', '4BF92F'],
  ['the text of an error', `the gateway failed (trace ${TRACE})`],
  ['a header', `x-request-id: ${TRACE}`],
  ['a traceparent', `00-${TRACE}-00f067aa0ba902b7-01`],
])('finds it by %s', async (_what, text) => {
  await startThree();
  const { stdout } = await run(...text.split(' '), '--json');
  const { traceId, spans } = JSON.parse(stdout);
  expect(traceId).toBe(TRACE);
  expect(spans).toMatchObject([
    { spanId: 'a', instanceId: 'gateway-1', depth: 0, selfMs: 2 },
    { spanId: 'b', depth: 1 },
    { spanId: 'd', depth: 2, instanceId: 'sales-1', error: 'away' },
    { spanId: 'c', depth: 2 },
    { spanId: 'e', depth: 3 },
  ]);
});

describe('what is missing', () => {
  it('is said: which processes keep no spans, and which cannot be asked', async () => {
    await startThree();
    await start('calculator-1', undefined);
    for (const name of ['calculator-2', 'calculator-3'])
      await start(name, new RpcError(Status.PERMISSION_DENIED, 'needs the scope traces.read'));
    const { exitCode, stderr } = await run(TRACE);
    expect([exitCode, stderr]).toEqual([
      0,
      "calculator-1: no spans are kept there: RONDO_RECENT_BYTES is 0\ncalculator-2, calculator-3 can't be asked (needs the scope traces.read; RONDO_TOKEN=$(./rondo token --as NAME --scopes traces.read)): spans are missing\n",
    ]);
  });

  it('may be what a list would have: then it fails', async () => {
    await start('calculator-2', new RpcError(Status.PERMISSION_DENIED, 'needs the scope traces.read'));
    const { exitCode, stdout, stderr } = await run('--slow');
    expect([exitCode, stdout, stderr]).toEqual([1, 'no traces\n', expect.stringContaining('spans are missing')]);
  });

  it('may be the trace: then it says why', async () => {
    await startThree();
    await start('calculator-1', undefined);
    const { exitCode, stderr } = await run('dead');
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      "rondo: no process has a trace dead: it wasn't sampled, or it ended before 12:00:00.000Z, since when all 3 keep theirs; no spans are kept in calculator-1\n",
    );
  });

  it('may be all traces', async () => {
    await start('calculator-1', undefined);
    expect((await run(TRACE)).stderr).toContain('RONDO_RECENT_BYTES=5242880; no spans are kept in calculator-1');
  });

  it('may be the rest of an id', async () => {
    await start('sales-1', { [TRACE]: [] });
    await start('sales-2', { [OTHER]: [] });
    const { exitCode, stderr } = await run('4bf9');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`several traces: ${TRACE}, ${OTHER}; give more`)]);
  });
});

it('shows as text what could control the terminal, and each span once, whatever ids they have', async () => {
  const name = 'a\u001b[2J\u202eb\nc';
  await start('sales-1', {
    [TRACE]: [
      span(['a', 'c'], [1, 1], { name, error: name, attributes: { 'rpc.response.status_code': name } }),
      span(['b', 'a'], [2, 1], { events: [{ name, unixMs: AT, attributes: { [name]: name } }] }),
      span(['c', 'b'], [3, 1]),
      span(['d', 'd'], [4, 1]),
      span(['e', 'a'], [5, 1]),
      span(['e', 'b'], [5, 1]),
    ],
  });
  const { stdout } = await run(TRACE);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  expect(stdout).toContain('a\\u001b[2J\\u202eb\\nc');
  const { spans } = JSON.parse((await run(TRACE, '--json')).stdout);
  expect(spans.map(({ spanId, depth }: { spanId: string; depth: number }) => `${depth}${spanId}`)).toEqual([
    '0a',
    '1b',
    '2c',
    '1e',
    '0d',
  ]);
});

it('lists traces, each once for all its processes, by end or by duration', async () => {
  await startThree();
  await start('sales-3', { [OTHER]: [span(['x', ''], [20, 1], { name: 'later' })] });
  const { stdout } = await run();
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['START', 'MS', 'SPANS', 'FAILED', 'INSTANCES', 'TRACE', 'BEGINS WITH'],
    ['13:00:00.020Z', '1.00', '1', '0', '1', OTHER, 'later'],
    ['13:00:00.000Z', '10.00', '5', '1', '3', TRACE, QUOTE],
    [''],
  ]);
  const { traces } = JSON.parse((await run('--slow', '--limit', '1', '--json')).stdout);
  expect(traces).toMatchObject([{ traceId: TRACE, instances: ['gateway-1', 'sales-1', 'sales-2'] }]);
});

it('follows traces: one line each, once no process tells more of it', async () => {
  await startThree();
  const { stdout, stderr, exitCode, interrupt } = begin(['trace', '-f', '--json'], { environment: environment() });
  await stdout.shows(/\n/);
  interrupt();
  expect(await exitCode).toBe(0);
  expect(JSON.parse(stdout.text())).toMatchObject({ traceId: TRACE, spans: 5, failedSpans: 1 });
  expect(stderr.text()).toContain('gateway-1: 7 traces left out');
});

it.each([
  ['no id', ['xyz'], '"xyz" has no trace id'],
  ['three digits', ['abc'], 'the first 4'],
  ['an id and a list', [TRACE, '--slow'], 'give the id of a trace'],
  ['the slowest that will be', ['--slow', '-f'], 'give --min'],
  ['no duration', ['--min', 'long'], 'must be a duration'],
])('refuses %s', async (_what, args, text) => {
  const { exitCode, stderr } = await run(...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(text)]);
});
