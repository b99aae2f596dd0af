/** How often chance is asked for one that isn't tried, before the next one in the list is taken. */
const DRAWS = 4;

/**
 * The place of one that `draw`, which gives places, comes to and that isn't among `tried`; undefined where all are, or
 * the list is empty.
 */
export function drawUntried<C>(candidates: readonly C[], tried: readonly C[], draw: () => number): number | undefined {
  if (tried.length === 0) return candidates.length === 0 ? undefined : draw();
  for (let left = DRAWS; left > 0; left -= 1) {
    const place = draw();
    const candidate = candidates[place];
    if (candidate !== undefined && !tried.includes(candidate)) return place;
  }
  return nextUntried(candidates, tried, draw());
}

/** The first place from `from` on, round to it again, of one that isn't among `tried`; undefined where all are. */
export function nextUntried<C>(candidates: readonly C[], tried: readonly C[], from: number): number | undefined {
  // One more than were tried: whichever list it is, one of those is left.
  const steps = Math.min(candidates.length, tried.length + 1);
  for (let step = 0; step < steps; step += 1) {
    const place = (from + step) % candidates.length;
    const candidate = candidates[place];
    if (candidate !== undefined && !tried.includes(candidate)) return place;
  }
  return undefined;
}
