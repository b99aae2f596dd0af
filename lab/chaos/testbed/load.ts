import { join } from 'node:path';
import { root, start, until } from '@rondo/harness';
import { type CallRecord, LOAD_OPTIONS, type LoadOptions, type LoadWindow, type TryRecord } from '../load/protocol.js';
import { now } from '../time.js';

/** A client under load, as a process of its own. */
export type Load = ReturnType<typeof startLoad>;

/** A try of a call, and when it began. */
export interface TimedTry extends TryRecord {
  readonly at: number;
}

/** Starts a client in a process of its own. */
export function startLoad(options: LoadOptions, env: Readonly<Record<string, string>>) {
  const calls: CallRecord[] = [];
  let stallMs = 0;
  const process = start(globalThis.process.execPath, [join(root, 'lab/dist/chaos/load/main.js')], {
    env: { RONDO_REGISTRY: options.registry.join(','), [LOAD_OPTIONS]: JSON.stringify(options), ...env },
    ipc: true,
  });
  process.onLine((line) => {
    const window: LoadWindow = JSON.parse(line);
    calls.push(...window.calls);
    stallMs = Math.max(stallMs, window.stallMs);
  });
  return {
    /** The calls that have ended so far. */
    calls,
    /** The longest that its process has stood still. What it measured then is the machine's, not the client's. Milliseconds. */
    get stallMs() {
      return stallMs;
    },
    /**
     * Waits until each of the instances has served a call that was made since `at`; gives when the first of each was served. A
     * gateway is named by its address.
     */
    async untilServed(instances: readonly string[], at = now()): Promise<readonly number[]> {
      const what = `a call each is served by ${instances.join(', ')}`;
      const served = () => {
        const first = instances.map((id) => calls.find((call) => call.at >= at && isServedBy(call, id)));
        const times = first.flatMap((call) => (call === undefined ? [] : [call.at + call.ms]));
        if (times.length === instances.length) return times;
        return process.hasEnded ? [] : undefined;
      };
      const times = await until(served, { what, timeoutMs: SERVED_TIMEOUT_MS });
      if (times.length === instances.length) return times;
      throw new Error(`the load has ended: ${process.output().stderr}`);
    },
    /** Ends it after the calls in flight; gives all calls. */
    async stop(): Promise<readonly CallRecord[]> {
      await process.stop();
      if (calls.length === 0) throw new Error(`the load made no call: ${process.output().stderr}`);
      return calls;
    },
  };
}

const isServedBy = ({ code, instance, gateway }: CallRecord, id: string) =>
  instance === id || (code === 'OK' && gateway === id);

const SERVED_TIMEOUT_MS = 30_000;

/** Every try of the calls. A call that was served at once has one. */
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
