/**
 * `npm run lab -- xds [language…] [--rate N] [--seconds N]`: unmodified gRPC clients over the registry's xDS while servers start, drain and die
 * and the registry restarts empty; how even their calls are 10 s after each, and which fail. `--guide` runs the guide's programs instead.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from '@rondo/tool/workspace';

const SETTLE_MS = 10_000;

/** @param {string[]} args */
export async function main(args) {
  const options = {
    rate: { type: 'string' },
    seconds: { type: 'string' },
    guide: { type: 'boolean' },
    away: { type: 'string' },
  };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (!(await build())) return 1;
  if (values.guide) return (await import('./xds/guide.mjs')).runGuide();
  const { LANGUAGES, startSystem } = await import('./xds/system.mjs');
  const languages = positionals.length > 0 ? positionals : LANGUAGES;
  const { prepareClient } = await import('./xds/tools.mjs');
  for (const language of languages) await prepareClient(language);
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-xds-'));
  const system = await startSystem(folder);
  writeFileSync(system.bootstrap.file, system.bootstrap.text);
  const { rate = '300', seconds = '10', away = '120' } = values;
  try {
    await measure(system, { languages, rate: Number(rate), seconds: Number(seconds), awayMs: Number(away) * 1_000 });
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true });
  }
  return 0;
}

async function measure(system, { languages, rate, seconds, awayMs }) {
  const { startClient } = await import('./xds/system.mjs');
  const { servers } = system;
  const { file } = system.bootstrap;
  const clients = languages.map((language) => Object.assign(startClient({ language, file, rate }), { language }));
  const events = [
    ['three servers', () => sleep(15_000)],
    ['one drained', () => servers.get(1)?.stop()],
    ['one added', () => system.add(4)],
    ['one killed', () => servers.get(2)?.stop('SIGKILL')],
    ['one frozen', () => servers.get(3)?.signal('SIGSTOP')],
    ['it goes on', () => servers.get(3)?.signal('SIGCONT')],
    [`registry away for ${awayMs / 1_000} s`, () => system.stopRegistry().then(() => sleep(awayMs))],
    ['registry back, empty', () => system.startRegistry()],
    ['one added', () => system.add(5)],
  ];
  for (const [event, work] of events) {
    for (const client of clients) client.reset();
    await work();
    await sleep(SETTLE_MS);
    const before = clients.map(({ counts }) => failuresOf(counts));
    for (const client of clients) client.reset();
    await sleep(seconds * 1_000);
    for (const [index, { language, counts }] of clients.entries()) {
      const failed = [...before[index], ...failuresOf(counts)].join('; ') || 'none';
      console.log(`${event}: ${language}: ${sharesOf(counts)}; failed: ${failed}`);
    }
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

/** The share of each server, in percent, and the greatest deviation from even. */
function sharesOf(counts) {
  const answers = [...counts].filter(([answer]) => /^\d+$/.test(answer)).sort();
  const sum = answers.reduce((total, [, count]) => total + count, 0);
  const off = answers.map(([, count]) => Math.abs((count / sum) * answers.length - 1) * 100);
  const shares = answers.map(([answer, count]) => `${answer}: ${((count / sum) * 100).toFixed(1)} %`).join(', ');
  return `${sum} calls, ${shares}, at most ${Math.max(0, ...off).toFixed(1)} % off`;
}
