import type { CallRecord, LoadWindow, TryRecord } from '../load/call-record.js';
import { LOAD_OPTIONS, type LoadOptions } from '../load/options.js';
import { now, until } from '../time.js';
import { startNode } from './program.js';

/** A client under load. */
export interface Load {
  /** The calls that have ended so far. */
  readonly calls: readonly CallRecord[];
  /** The longest that its process has stood still: what it measured then is the machine's, not the client's. Milliseconds. */
  readonly stallMs: number;
  /** Waits until a call that was made since `at` was served by each of the instances; gives when the first of each was. */
  untilServed(instances: readonly string[], at?: number): Promise<readonly number[]>;
  /** Ends it, and waits for the calls in flight. */
  stop(): Promise<readonly CallRecord[]>;
}

/** A try of a call, and when it began. */
export interface TimedTry extends TryRecord {
  readonly at: number;
}

const SERVED_TIMEOUT_MS = 30_000;

/** Starts a client in a process of its own. */
export function startLoad(options: LoadOptions, env: Readonly<Record<string, string>>): Load {
  const calls: CallRecord[] = [];
  let stallMs = 0;
  const program = startNode('load', {
    main: 'chaos/dist/load/main.js',
    env: { RONDO_REGISTRY: options.registry.join(','), [LOAD_OPTIONS]: JSON.stringify(options), ...env },
  });
  program.onLine((line) => {
    const window: LoadWindow = JSON.parse(line);
    calls.push(...window.calls);
    stallMs = Math.max(stallMs, window.stallMs);
  });
  return {
    calls,
    get stallMs() {
      return stallMs;
    },
    untilServed(instances, at = now()) {
      const options = { what: `a call each is served by ${instances.join(', ')}`, timeoutMs: SERVED_TIMEOUT_MS };
      return until(() => {
        if (program.ended) throw new Error(`the load has ended: ${program.output()}`);
        const first = instances.map((id) => calls.find((call) => call.at >= at && call.instance === id));
        const times = first.flatMap((call) => (call === undefined ? [] : [call.at + call.ms]));
        return times.length === instances.length ? times : undefined;
      }, options);
    },
    async stop() {
      await program.end();
      if (calls.length === 0) throw new Error(`the load made no call: ${program.output()}`);
      return calls;
    },
  };
}

/** Every try of the calls; where a call was served at once, that is its only one. */
export function triesOf(calls: readonly CallRecord[]): readonly TimedTry[] {
  return calls.flatMap(({ at, ms, code, instance, tries }) => {
    if (tries === undefined) return [{ at, ms, code, instance, address: '' }];
    let begins = at;
    return tries.map((one) => {
      const timed = { ...one, at: begins };
      begins += one.ms;
      return timed;
    });
  });
}
