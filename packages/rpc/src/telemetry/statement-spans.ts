import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import { context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { systemWallClock } from '@rondo/base';
import { outcomeOf } from './conventions.js';
import { guard } from './guard.js';
import { withoutValues } from './statement-text.js';
import { recordedContext } from './unrecorded.js';

/** The channel on which packages/database tells of each statement. */
const STATEMENTS = 'rondo.database.statement';
/** The channel on which packages/resources publishes each run that moves changes from the outbox. */
const RELAYS = 'rondo.sync.relay';

/** What a statement does. */
const VERB = /^\s*(\w+)/;
/** The first table that it names. */
const TABLE = /\b(?:from|into|update)\s+([a-z_][\w.]*)/i;

interface Statement {
  readonly text: string;
  /** The name of the database; undefined if it isn't known. */
  readonly database?: string | undefined;
  readonly error?: unknown;
}

interface Run {
  /** How many changes have been moved, once the run has ended. */
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Makes a span of each statement within a call or other work that is recorded. Its text is without values. */
export function traceStatements(tracer: () => Tracer): void {
  const spans = new WeakMap<object, Span>();
  subscribe<Statement>(STATEMENTS, {
    start(statement) {
      // Background work often begins in a call, and goes on for ever.
      const around = recordedContext();
      if (around === undefined) return;
      const text = withoutValues(statement.text);
      const summary = [VERB.exec(text)?.[1]?.toUpperCase() ?? 'SQL', TABLE.exec(text)?.[1] ?? ''].join(' ').trim();
      const attributes = {
        'db.system.name': 'postgresql',
        ...(statement.database !== undefined && { 'db.namespace': statement.database }),
        'db.query.text': text,
        'db.query.summary': summary,
      };
      spans.set(statement, tracer().startSpan(summary, { kind: SpanKind.CLIENT, attributes }, around));
    },
    asyncEnd(statement) {
      const span = spans.get(statement);
      if (span !== undefined) endWork(span, statement.error);
    },
  });
}

/** Makes a span of each run of a relay that has moved changes. Most runs find none. */
export function traceRelays(tracer: () => Tracer): void {
  const begun = new WeakMap<object, Date>();
  subscribe<Run>(RELAYS, {
    start(run) {
      begun.set(run, systemWallClock.now());
    },
    asyncEnd(run) {
      if (run.error === undefined && run.result === 0) return;
      const startTime = begun.get(run) ?? systemWallClock.now();
      const attributes = { 'rondo.outbox.changes': typeof run.result === 'number' ? run.result : 0 };
      const span = tracer().startSpan(
        'outbox relay',
        { kind: SpanKind.INTERNAL, startTime, attributes },
        context.active(),
      );
      endWork(span, run.error);
    },
  });
}

function subscribe<C extends object>(
  name: string,
  { start, asyncEnd }: { readonly start: (event: C) => void; readonly asyncEnd: (event: C) => void },
): void {
  const nothing = () => undefined;
  // What a subscriber throws ends the process.
  const subscribers: TracingChannelSubscribers<C> = {
    start: (event) => guard(() => start(event), undefined),
    asyncEnd: (event) => guard(() => asyncEnd(event), undefined),
    end: nothing,
    asyncStart: nothing,
    error: nothing,
  };
  tracingChannel<unknown, C>(name).subscribe(subscribers);
}

function endWork(span: Span, error: unknown): void {
  if (error !== undefined) {
    span.setAttribute('error.type', outcomeOf(error));
    const refusal = refusalOf(error);
    if (refusal !== undefined) span.setAttribute('db.response.status_code', refusal.state);
    span.setStatus({ code: SpanStatusCode.ERROR, ...(refusal && { message: `${refusal.state} ${refusal.text}` }) });
  }
  span.end();
}

/** The SQLSTATE and the text of PostgreSQL's error; undefined for any other. The text has no values of the caller, as in errors of data. */
function refusalOf(error: unknown): { readonly state: string; readonly text: string } | undefined {
  if (!(error instanceof Error && 'severity' in error && 'code' in error)) return undefined;
  const state = String(error.code);
  return {
    state,
    text: withoutValues(state.startsWith('22') ? error.message.replace(/"[^"]*"/g, '?') : error.message),
  };
}
