/**
 * `npm run lab -- xds [language…] [--part NAME] [--rate N] [--seconds N]`: unmodified gRPC clients over the registry's xDS while servers start,
 * drain and die and the registry restarts empty; how even their calls are 10 s after each, and which fail. Other parts are of etcd, canaries
 * and servers that `rondo join` has started; `pick-first` is a control, which has to miss the bound. `--guide` runs the guide's programs
 * instead.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from '@rondo/tool/workspace';

const SETTLE_MS = 10_000;
const MAX_OFF_PERCENT = 5;
/** The longest interval at which gRPC's clients try to connect, with its jitter, and what a try takes. */
const RECONNECT_MS = 160_000;

export async function main(args) {
  const options = {
    part: { type: 'string', default: 'faults' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10' },
    guide: { type: 'boolean' },
  };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (!(await build())) return 1;
  if (values.guide) return (await import('./xds/guide.mjs')).runGuide();
  const { partOf } = await import('./xds/parts.mjs');
  const { LANGUAGES } = await import('./xds/system.mjs');
  const { prepareLanguage } = await import('./xds/tools.mjs');
  const part = partOf(values.part);
  const languages = positionals.length > 0 ? positionals : (part.languages ?? LANGUAGES);
  for (const language of [...languages, ...(part.joined ?? [])]) await prepareLanguage(language);
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-xds-'));
  try {
    const given = { languages, rate: Number(values.rate), seconds: Number(values.seconds) };
    return (await measure(part, { ...given, folder })) === (part.isControl !== true) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Resolves to whether after each event calls were even, and none failed. */
async function measure({ start, events, targetOf, wanted = evenOf }, { languages, rate, seconds, folder }) {
  const { exitOnSignals, until } = await import('@rondo/harness');
  const { startClient } = await import('./xds/system.mjs');
  exitOnSignals();
  const system = await start(folder);
  const { file, text } = system.bootstrap;
  writeFileSync(file, text);
  const clients = languages.map((language) => {
    const target = targetOf?.(system, language);
    return Object.assign(startClient({ language, file, rate, target }), { language });
  });
  system.untilCalled = async (number) => {
    const [startedAt, what] = [performance.now(), `all have called ${number}`];
    const haveCalled = () => clients.every(({ counts }) => counts.has(String(number))) || undefined;
    await until(haveCalled, { what, timeoutMs: RECONNECT_MS });
    console.log(`${what} after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  };
  let holds = true;
  try {
    for (const { counts } of clients) await until(() => counts.size > 0 || undefined, { what: 'a client calls' });
    for (const [event, work, mayFail = false] of events(system)) {
      for (const client of clients) client.reset();
      await work();
      await sleep(SETTLE_MS);
      const before = clients.map(({ counts }) => failuresOf(counts));
      for (const client of clients) client.reset();
      await sleep(seconds * 1_000);
      for (const [index, { language, counts }] of clients.entries()) {
        const { text: shares, off } = wanted(counts, system);
        const after = failuresOf(counts);
        holds &&= off <= MAX_OFF_PERCENT && (mayFail || before[index].length + after.length === 0);
        const failed = `at once ${before[index].join('; ') || 'none'}, later ${after.join('; ') || 'none'}`;
        console.log(`${event}: ${language}: ${shares}, at most ${off.toFixed(1)} % off; failed: ${failed}`);
      }
    }
    console.log(
      holds
        ? 'Every bound holds.'
        : `A bound is missed: ${MAX_OFF_PERCENT} % off, or calls fail although no server stopped.`,
    );
    return holds;
  } finally {
    await Promise.all([system.stop(), ...clients.map(({ process }) => process.stop('SIGKILL'))]);
  }
}

/** How often calls have failed, by their status and the first words of their texts, which may name an address each. */
function failuresOf(counts) {
  const failures = new Map();
  for (const [answer, count] of counts) {
    const kind = answer.slice(0, 40);
    if (!/^\d+$/.test(answer)) failures.set(kind, (failures.get(kind) ?? 0) + count);
  }
  return [...failures].map(([kind, count]) => `${count} of ${kind}`);
}

/** The share of each server that should be called, in percent, and the greatest deviation from even. Those that may be called are, or aren't. */
function evenOf(counts, system) {
  const called = new Set([...system.called, ...[...system.mayBeCalled].filter((number) => counts.has(String(number)))]);
  const answers = [...counts].filter(([answer]) => /^\d+$/.test(answer));
  const sum = answers.reduce((total, [, count]) => total + count, 0);
  const shares = new Map([...called].map((number) => [String(number), 0]));
  for (const [answer, count] of answers) shares.set(answer, count);
  const off = [...shares].map(([answer, count]) => {
    const even = called.has(Number(answer)) ? 1 / called.size : 0;
    return sum === 0 ? 100 : Math.abs(count / sum - even) * called.size * 100;
  });
  const shown = [...shares].sort().map(([answer, count]) => `${answer}: ${((count / (sum || 1)) * 100).toFixed(1)} %`);
  return { text: `${sum} calls, ${shown.join(', ')}`, off: Math.max(...off) };
}
