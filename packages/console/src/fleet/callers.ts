import { listOf, recordOf } from '../calls/connect.js';
import type { JsonRecord } from '../calls/use-stream.js';
import { textAt } from '../ui/text.js';
import { type Figures, toFigures } from './watch.js';

/** How a process that may call an instance sees it. */
export interface Caller {
  readonly id: string;
  /** The service that it calls. */
  readonly service: string;
  readonly policy: string;
  /** Its calls of the instance; undefined until they are counted. */
  readonly figures: Figures | undefined;
  /** Its calls of all instances of the service, a second. */
  readonly serviceCalls: number;
  /** Its share of the next calls by weight; undefined if weights don't decide. */
  readonly share: number | undefined;
  readonly ramp: number;
  /** Why no calls go there; empty if they do. */
  readonly held: string;
  readonly leftOut: boolean;
}

/** The callers of an instance. */
export interface Callers {
  readonly callers: readonly Caller[];
  readonly more: number;
}

/** Takes an event of `WatchInstance`, which has all of them. */
export const takeCallers = (_: Callers | undefined, { callers, more }: JsonRecord): Callers => ({
  callers: listOf(callers).map((one) => toCaller(recordOf(one))),
  more: Number(more ?? 0),
});

function toCaller(json: JsonRecord): Caller {
  const { share, figures } = json;
  return {
    id: textAt(json, 'instanceId'),
    service: textAt(json, 'service'),
    policy: textAt(json, 'policy'),
    figures: figures === undefined ? undefined : toFigures(figures),
    serviceCalls: Number(json['serviceCallsPerSecond'] ?? 0),
    share: share === undefined ? undefined : Number(share),
    ramp: Number(json['ramp'] ?? 0),
    held: textAt(json, 'held'),
    leftOut: json['leftOut'] === true,
  };
}
