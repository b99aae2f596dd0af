/**
 * Time and chance as parameters, so that a test can control them: `Clock` measures, `WallClock` knows the date, `Random`
 * draws. `ManualClock` and `seededRandom` of `@rondo/rpc/testing` are their counterparts in tests. All times are milliseconds.
 *
 * ```ts
 * import { type Clock, sleep, systemClock } from '@rondo/rpc/clock';
 *
 * export async function poll(look: () => Promise<boolean>, clock: Clock = systemClock): Promise<void> {
 *   while (!(await look())) await sleep(clock, 1_000);
 * }
 * ```
 */

export {
  backgroundClock,
  type Clock,
  createBackoff,
  createSemaphore,
  type Random,
  sleep,
  systemClock,
  systemRandom,
  systemWallClock,
  type Timer,
  type WallClock,
  yieldToEventLoop,
} from '@rondo/base';
