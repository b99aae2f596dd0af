/** The size and shape of the code: a report, never a limit. `npm run check` prints it; `npm run survey` prints it alone. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compile } from './build.mjs';
import { root, run } from './process.mjs';

const SMALL_FILE_LINES = 20;
/** Words that don't name the actor. Prose about processes does without them. */
const VAGUE_WORDS = /\b(?:nobody|somebody|anybody|whoever)\b/gi;

/** `npm run survey` */
export async function main() {
  const compiled = await compile();
  if (compiled.code !== 0) {
    console.error(compiled.output);
    return compiled.code;
  }
  console.log(await survey());
  return 0;
}

/** The report: one row for each package and service, then totals and the files that a call and a pick pass. */
export async function survey() {
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const code = tracked.filter(isCode);
  const folders = [...new Set(code.map(folderOf))].sort();
  const rows = folders.map((folder) =>
    rowOf(
      folder,
      code.filter((file) => folderOf(file) === folder),
    ),
  );
  const vague = code.reduce((sum, file) => sum + (read(file).match(VAGUE_WORDS)?.length ?? 0), 0);
  const paths = await run(process.execPath, ['scripts/survey/call-path.mjs']);
  return [
    table([['', 'files', 'lines', 'median', `≤ ${SMALL_FILE_LINES}`, 'public names'], ...rows]),
    `all: ${code.length} code files, ${linesOf(code)} lines, ${tracked.length} tracked files, ${vague} vague words`,
    paths.output.trim(),
  ].join('\n');
}

/** Sources of packages and services, without tests, generated code and declarations. */
function isCode(file) {
  const source = /^(?:packages|services)\/[^/]+\/src\/.*\.ts$/.test(file) && !/\.test\.ts$|\.d\.ts$/.test(file);
  return source && existsSync(path.join(root, file));
}

function folderOf(file) {
  return file.split('/', 2).join('/');
}

function rowOf(folder, files) {
  const sizes = files.map((file) => lines(file)).sort((a, b) => a - b);
  const small = sizes.filter((size) => size <= SMALL_FILE_LINES).length;
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  const percent = `${Math.round((100 * small) / sizes.length)} %`;
  return [folder, files.length, linesOf(files), median, percent, publicNames(folder)];
}

/** How many names the entry files of a package export, without its internal ones; empty for a service, which exports none. */
function publicNames(folder) {
  const { exports: entries } = JSON.parse(read(`${folder}/package.json`));
  if (entries === undefined) return '';
  const files = Object.entries(entries)
    .filter(([name]) => !name.startsWith('./internal'))
    .map(([, { types }]) => types && `${folder}/${types.replace('./dist/', 'src/').replace('.d.ts', '.ts')}`)
    .filter((file) => file !== undefined && existsSync(path.join(root, file)));
  const names = files.flatMap((file) => exportedNames(read(file)));
  return `${new Set(names).size} in ${files.length}`;
}

function exportedNames(source) {
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','));
  const listed = lists
    .map((name) =>
      name
        .trim()
        .split(/\s+as\s+|\s+/)
        .at(-1),
    )
    .filter(Boolean);
  const declared = [
    ...source.matchAll(/^export (?:async |abstract )*(?:function\*?|class|const|interface|type|enum) (\w+)/gm),
  ].map(([, name]) => name);
  return [...listed, ...declared];
}

function linesOf(files) {
  return files.reduce((sum, file) => sum + lines(file), 0);
}

function lines(file) {
  return read(file).trimEnd().split('\n').length;
}

function read(file) {
  return readFileSync(path.join(root, file), 'utf8');
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value, column) =>
    column === 0 ? String(value).padEnd(widths[column]) : String(value).padStart(widths[column]);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
