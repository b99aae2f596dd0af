/** The pages that are made from the code, in docs/generated/, which git ignores. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '@rondo/tool/workspace';
import { metricsPage } from './metrics.mjs';

const FOLDER = path.join(root, 'docs/generated');
const BENCHMARKS = path.join(root, 'docs/reference/benchmarks');

/** @returns {ReturnType<typeof run>} */
export async function writePages() {
  rmSync(FOLDER, { recursive: true, force: true });
  const errors = await run(process.execPath, ['docs/api/errors/main.mjs']);
  if (errors.code !== 0) return errors;
  write('errors.md', errors.output);
  write('metrics.md', metricsPage());
  await writeCommands();
  await writeAuthorisation();
  if (existsSync(path.join(root, 'lab'))) await writeProofs();
  return run(process.execPath, ['docs/api/main.mjs', '--out', path.join(FOLDER, 'api')]);
}

function write(name, text) {
  const file = path.join(FOLDER, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Loads a module of the laboratory, which a fork may have deleted. */
const lab = (file) => import(new URL(`../lab/${file}`, import.meta.url).href);

/** A page for each command of `rondo`, with its help. */
async function writeCommands() {
  const { commands, formatOverview, groups } = await import('@rondo/tool/reference');
  const box = (text) => `\`\`\`text\n${text}\`\`\`\n`;
  for (const { name, help } of commands) write(`cli/${name}.md`, `# rondo ${name}\n\n${box(help)}`);
  const links = commands.map(({ name, summary }) => `- [rondo ${name}](${name}.md): ${summary}\n`).join('');
  write('cli/index.md', `# rondo\n\n${box(formatOverview(groups))}\n${links}`);
}

async function writeAuthorisation() {
  const { formatRules, rulesOf } = await import('@rondo/tool/reference');
  const rules = formatRules(rulesOf(readFileSync(path.join(root, 'packages/contracts/descriptors.binpb'))), true);
  write(
    'authorisation.md',
    `# Authorisation

Who may call which method while \`RONDO_AUTH=on\`, by \`auth\` in the contracts ([guide](../guides/security.md#say-who-may-call-a-method)).
A call must satisfy both columns: a person or program needs all of the scopes, and the process that calls is one of those in the last
column, by its certificate. Health, reflection, channelz and load reports are for every caller.

${rules}`,
  );
}

/** What the laboratory has: the guarantees with their tests, and the accepted runs of the benchmarks that compare. */
async function writeProofs() {
  const { guarantees } = await lab('guarantees.mjs');
  const sections = Object.entries(guarantees()).map(([topic, rows]) => {
    const cells = rows.map(
      ({ guarantee, test, failsWhen }) => `| ${guarantee} | \`${test.replaceAll('|', '\\|')}\` | ${failsWhen} |\n`,
    );
    return `## ${topic}\n\n| guarantee | test | seen to fail when |\n| --- | --- | --- |\n${cells.join('')}`;
  });
  write(
    'guarantees.md',
    `# Guarantees\n\nWhat Rondo promises, each with the test that holds it.\n\n${sections.join('\n')}`,
  );
  const read = (name) => JSON.parse(readFileSync(path.join(BENCHMARKS, `${name}.json`), 'utf8'));
  const { peersReport, withSummaries } = await lab('bench/peers/report.mjs');
  write('benchmarks/peers.md', peersReport(withSummaries(read('peers'))));
  for (const name of readdirSync(BENCHMARKS).filter((one) => one.endsWith('.svg')))
    cpSync(path.join(BENCHMARKS, name), path.join(FOLDER, 'benchmarks', name));
}
