import { isDeepStrictEqual } from 'node:util';
import { figure, quantiles } from '../report/figures.mjs';

const MEDIAN_MS = 100;

/** The findings of a run: each has a text, and whether its bound holds. */
export function judge({ seen, truth, outcomes, calm }) {
  return [...judgeHistory(truth, outcomes), ...judgeWatchers(seen, truth, calm), judgeTime(seen)];
}

/** The history must be what was written; otherwise it would prove little that the watchers agree with it. */
function judgeHistory({ changes }, { done, unknown, codes, example }) {
  const kept = new Map();
  for (const { title } of changes) kept.set(title, (kept.get(title) ?? 0) + 1);
  const lost = done.filter((title) => !kept.has(title)).length;
  const twice = [...kept.values()].filter((times) => times > 1).length;
  const written = new Set([...done, ...unknown]);
  const foreign = [...kept.keys()].filter((title) => !written.has(title)).length;
  const failures =
    unknown.length === 0 ? '' : `, ${unknown.length} failed ${JSON.stringify(codes)}, such as: ${example}`;
  return [
    { text: `${done.length} changes answered${failures}; ${changes.length} in the history`, holds: done.length > 0 },
    {
      text: `in the history: ${lost} missing, ${twice} twice, ${foreign} foreign`,
      holds: lost + twice + foreign === 0,
    },
    { text: `versions of tasks out of order: ${outOfOrder(changes)}`, holds: outOfOrder(changes) === 0 },
  ];
}

/** How many changes don't follow the version before: each change of a task raises its version by one. */
function outOfOrder(changes) {
  const versions = new Map();
  let wrong = 0;
  for (const { task, version } of changes) {
    const before = versions.get(task);
    if (before !== undefined && version !== before + 1) wrong += 1;
    versions.set(task, version);
  }
  return wrong;
}

function judgeWatchers(seen, { told, state }, calm) {
  const sum = { missed: 0, twice: 0, disordered: 0, wrong: 0, snapshots: 0, breaks: 0 };
  for (const one of seen) {
    const expected = told.get(one.name);
    const heard = new Set(one.told);
    sum.missed += expected.filter((title) => !heard.has(title)).length;
    sum.twice += one.told.length - heard.size;
    if (!isDeepStrictEqual(one.told, expected)) sum.disordered += 1;
    if (!isDeepStrictEqual(one.state, state.get(one.name))) sum.wrong += 1;
    sum.snapshots += one.snapshots - 1;
    sum.breaks += one.breaks;
  }
  const { missed, twice, disordered, wrong, snapshots, breaks } = sum;
  const heard = seen.reduce((total, one) => total + one.told.length, 0);
  const failures = seen.filter(({ failure }) => failure !== undefined);
  const example = failures[0] === undefined ? '' : ` (${failures[0].failure})`;
  return [
    {
      text: `${heard} messages to ${seen.length} watchers, ${breaks} breaks of their streams`,
      holds: calm || breaks > 0,
    },
    { text: `watches that ended: ${failures.length}${example}`, holds: failures.length === 0 },
    { text: `changes missed: ${missed}, told twice: ${twice}`, holds: missed + twice === 0 },
    { text: `watchers told anything but the history, in its order: ${disordered}`, holds: disordered === 0 },
    { text: `watchers that end with another state than the database: ${wrong}`, holds: wrong === 0 },
    { text: `watches that began anew: ${snapshots}`, holds: snapshots === 0 },
  ];
}

function judgeTime(seen) {
  const { p50, p99, max } = quantiles(seen.flatMap(({ tookMs }) => tookMs));
  return {
    text: `change → watcher, from before the call: median ${figure(p50)} ms, p99 ${figure(p99)} ms, max ${figure(max)} ms`,
    holds: p50 < MEDIAN_MS,
  };
}
