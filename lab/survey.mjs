/** The weight of the tree: files, lines, names and dependencies. `budget.mjs` holds it to numbers. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compile, hasCommit, root } from '@rondo/tool/workspace';
import { table } from './bench/report/figures.mjs';
import { CARRIERS, callCounts, callPath } from './survey/call-path.mjs';

/** By part: its paths. A file belongs to the first part that has it. */
const PARTS = {
  tools: /^(?:scripts|packages\/rondo)\//,
  packages: /^(?:packages|plugins)\//,
  services: /^services\//,
  lab: /^lab\//,
  e2e: /^e2e\//,
  proto: /^proto\//,
  docs: /^docs\//,
  others: /^/,
};
const CODE = /\.(?:[cm]?[jt]sx?|css|sh|sql|proto|go|py|grit)$|^\.ci\//;
const TEST =
  /\.test\.ts$|^e2e\/|^lab\/(?:clients|conformance|e2e|foreign|sim)\/|^(?:packages|plugins|services)\/[^/]+\/test\//;

/** `npm run lab -- survey`: the counts as a table; with `--call` instead the functions of a unary call, by file. */
export async function main(args) {
  if (!(await isCountable('npm run lab -- survey'))) return 1;
  if (args.includes('--call')) {
    for (const carrier of CARRIERS) {
      console.log(`over ${carrier}:`);
      for (const { file, functions } of await callPath(carrier)) console.log(`${file}\n  ${functions.join(', ')}`);
    }
    return 0;
  }
  const { files, names, dependencies, call, ...lines } = await count();
  const rows = Object.keys(PARTS).map((part) => [part, files[part], ...Object.values(lines).map((kind) => kind[part])]);
  const totals = rows[0].map((_, column) => (column === 0 ? 'all' : rows.reduce((sum, row) => sum + row[column], 0)));
  console.log(table(['', 'files', ...Object.keys(lines).map((kind) => `lines of ${kind}`)], [...rows, totals]));
  console.log(`${names.public} public and ${names.internal} internal names of packages`);
  console.log(`${dependencies.runtime} packages at run time, ${dependencies.locked} in the lock file`);
  const ofCall = Object.entries(call).map(([what, reached]) => `${reached} ${what}`);
  console.log(`a unary call, both ends together: ${ofCall.join(', ')}`);
  return 0;
}

/** Whether there is a commit, and the packages are compiled. If not, it prints why. */
export async function isCountable(command) {
  if (!(await hasCommit(command))) return false;
  const { code, output } = await compile();
  if (code !== 0) console.error(output);
  return code === 0;
}

/** Each count is by part, but those of names, dependencies and a call. Tests include what stands in `test/` and in `e2e/`, and the suites of the laboratory. */
export async function count() {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => existsSync(path.join(root, file)) && file !== '');
  const code = tracked.filter((file) => CODE.test(file));
  const manifests = tracked.filter((file) => /^(?:packages|plugins|services)\/[^/]+\/package\.json$/.test(file));
  return {
    files: byPart(tracked, () => 1),
    code: byPart(
      code.filter((file) => !TEST.test(file)),
      lines,
    ),
    tests: byPart(
      code.filter((file) => TEST.test(file)),
      lines,
    ),
    markdown: byPart(
      tracked.filter((file) => file.endsWith('.md')),
      lines,
    ),
    names: names(manifests),
    dependencies: {
      runtime: new Set(manifests.flatMap(dependenciesOf)).size,
      locked: read('pnpm-lock.yaml').match(/^ {2}\S+@[^:]+:$/gm)?.length ?? 0,
    },
    call: await callCounts(),
  };
}

function byPart(files, weigh) {
  const sums = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0]));
  for (const file of files) sums[partOf(file)] += weigh(file);
  return sums;
}

const partOf = (file) => Object.keys(PARTS).find((part) => PARTS[part].test(file));

function dependenciesOf(manifest) {
  const { dependencies = {} } = JSON.parse(read(manifest));
  return Object.keys(dependencies).filter((name) => !dependencies[name].startsWith('workspace:'));
}

/** How many names the entry files of the packages export. */
function names(manifests) {
  const entries = manifests.flatMap((manifest) =>
    Object.entries(JSON.parse(read(manifest)).exports ?? {}).map(([name, { types }]) => ({
      internal: name.startsWith('./internal'),
      file:
        types &&
        path.join(path.dirname(manifest), types.replace(/^\.\/dist\/(?:types\/)?/, 'src/').replace('.d.ts', '.ts')),
    })),
  );
  const countOf = (which) =>
    entries
      .filter(({ internal, file }) => internal === which && file !== undefined && existsSync(path.join(root, file)))
      .reduce((sum, { file }) => sum + exportedNames(read(file)).length, 0);
  return { public: countOf(false), internal: countOf(true) };
}

function exportedNames(source) {
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','));
  const declared =
    source.match(/^export (?:async |abstract )*(?:function\*?|class|const|interface|type|enum) \w+/gm) ?? [];
  return [...lists.filter((name) => name.trim() !== ''), ...declared];
}

const lines = (file) => read(file).trimEnd().split('\n').length;

const read = (file) => readFileSync(path.join(root, file), 'utf8');
