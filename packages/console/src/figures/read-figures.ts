import type { FigurePart, FigureStep } from '@rondo/contracts/rondo/gateway/v1/console';
import type { EventOf } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';

/** The figures of one step. */
export type Step = Json<FigureStep>;

/** What the gateway has kept. */
export interface Figures {
  readonly gateway: string;
  readonly sinceMs: number;
  readonly stepMs: number;
  readonly steps: readonly Step[];
  readonly parts: readonly Json<FigurePart>[];
}

/** What figures are of: the system if all are empty. */
export interface Scope {
  readonly service?: string;
  readonly method?: string;
  readonly instanceId?: string;
}

const HOUR_MS = 3_600_000;

/** Takes an event of `WatchFigures`. */
export function takeFigures(before: Figures | undefined, event: EventOf<'watchFigures'>): Figures {
  const { gateway = '', sinceTime = '', stepMs = 1, steps = [], parts = [] } = event;
  const all = [...(before?.steps ?? []), ...steps].slice(-HOUR_MS / stepMs);
  return { gateway, sinceMs: Date.parse(sinceTime), stepMs, steps: all, parts };
}

/** The address of the traces that ran in a part of the time. Its times are absolute. */
export function tracesBetween(fromMs: number, toMs: number, { service = '', method = '' }: Scope): string {
  const query = new URLSearchParams({
    order: 'slowest',
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    ...(service !== '' && { name: `${service}/${method}` }),
  });
  return `#/traces/?${query}`;
}
