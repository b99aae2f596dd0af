/** Calls that are later than this are skipped: to make up for them would be a storm of the load's own making. */
const MAX_BEHIND_MS = 50;

/**
 * The schedule of an open loop: a call each `1 / perSecond`, whether or not earlier calls were answered. A call's time counts
 * from when it was due, so that it includes how late a busy process made it.
 */
export function createPace(perSecond, startsAt) {
  const gapMs = 1000 / perSecond;
  let made = 0;
  let origin = startsAt;
  const dueAt = () => origin + made * gapMs;
  return {
    /** When the next call is due. */
    get nextAt() {
      return dueAt();
    },
    /** The times of the calls that are due by `now` and haven't been given before; at most `limit`. */
    take(now, limit = Number.POSITIVE_INFINITY) {
      const behindMs = now - dueAt() - MAX_BEHIND_MS;
      if (behindMs > 0) origin += Math.ceil(behindMs / gapMs) * gapMs;
      const times = [];
      for (; dueAt() <= now && times.length < limit; made += 1) times.push(dueAt());
      return times;
    },
  };
}
