import { median } from '../report/figures.mjs';
import { BASE } from './contenders.mjs';

/**
 * Medians of a contender's turns, and of its ratios to the base. A ratio is taken in each round, between turns that followed
 * each other; the median of those counts. `low` and `high` are the least and the greatest ratio of a round.
 * `noise`: the spread contains 1, or a single round shows no spread. `cpuRatio` is of both ends together; `disturbed` is how many turns
 * were disturbed each time. Times are in milliseconds, processor times in microseconds an operation.
 *
 * @param results `{ contender, turns }` or `{ contender, reason }` of each contender of one workload.
 */
export function summarise(results) {
  const base = results.find(({ contender }) => contender === BASE)?.turns ?? [];
  return results.map(({ contender, turns, reason }) => {
    if (turns === undefined) return { contender, reason };
    return { contender, ...mediansOf(turns), ...ratiosOf(turns, base, contender) };
  });
}

function mediansOf(turns) {
  const middle = (field) => median(turns.map((turn) => turn[field]));
  return {
    perSecond: middle('perSecond'),
    p50: middle('p50'),
    p99: middle('p99'),
    clientCpuUs: middle('clientCpuUs'),
    serverCpuUs: middle('serverCpuUs'),
    disturbed: turns.filter(({ disturbed }) => disturbed).length,
  };
}

function ratiosOf(turns, base, contender) {
  const rounds = Math.min(turns.length, base.length);
  if (rounds === 0) return {};
  const against = (figure) => turns.slice(0, rounds).map((turn, round) => figure(turn) / figure(base[round]));
  const ratios = against(({ perSecond }) => perSecond);
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  return {
    ratio: median(ratios),
    low,
    high,
    noise: contender !== BASE && (rounds === 1 || (low <= 1 && high >= 1)),
    p99Ratio: median(against(({ p99 }) => p99)),
    cpuRatio: median(against((turn) => turn.clientCpuUs + turn.serverCpuUs)),
  };
}
