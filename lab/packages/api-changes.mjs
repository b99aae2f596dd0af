/** What the public types of the packages have lost since the last release. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { filesBelow, root, run } from '@rondo/tool/workspace';

/**
 * Compares with the last commit before this one that has a tag such as v0.1.0, which it builds in `.rondo/released`.
 * @returns {Promise<{ faults: string[], note: string }>} `faults` has what a caller can miss, unless the minor version is a new one.
 */
export async function apiChanges() {
  const { code, output } = await run('git', ['describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^']);
  const tag = output.trim();
  if (code !== 0) return { faults: [], note: 'API: no tag such as v0.1.0 to compare with' };
  const before = await buildReleased(tag);
  const released = versionIn(before);
  const version = versionIn(root);
  const broken = breaking(await pagesOf(before), await pagesOf(root));
  const isNewMinor = minorOf(version) !== minorOf(released);
  return {
    faults: isNewMinor
      ? []
      : broken.map((line) => `${line}: breaks what ${released} has, so ${version} needs a new minor version`),
    note: `API: ${broken.length} breaking changes since ${tag}`,
  };
}

const minorOf = (version) => version.split('.').slice(0, 2).join('.');
const versionIn = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;

/** The folder of a clone at the tag, whose packages are compiled. */
async function buildReleased(tag) {
  const folder = path.join(root, '.rondo/released', tag);
  if (!existsSync(folder)) await succeed('git', ['clone', '--quiet', '--branch', tag, root, folder]);
  await succeed('npm', ['run', 'build'], { cwd: folder });
  return folder;
}

/** The pages of the API as `npm run docs` makes them, one after the other. */
export async function pagesOf(folder) {
  const out = mkdtempSync(path.join(tmpdir(), 'rondo-api-'));
  await succeed(process.execPath, ['docs/api/main.mjs', '--out', out, '--root', folder]);
  const files = filesBelow(out).filter((file) => file.endsWith('.md'));
  const text = files.map((file) => readFileSync(path.join(out, file), 'utf8')).join('\n');
  rmSync(out, { recursive: true });
  return text;
}

async function succeed(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${output}`);
}

/** Each declaration that is gone or changed, and each new property that those who pass options must give. */
export function breaking(before, now) {
  const [old, current] = [declarationsOf(before), declarationsOf(now)];
  const gone = [...old].filter((line) => !current.has(line)).map((line) => `- ${line}`);
  const required = [...current]
    .filter((line) => !old.has(line) && isRequiredOption(line, old))
    .map((line) => `+ ${line}`);
  return [...gone, ...required];
}

const isRequiredOption = (line, old) =>
  /^\S+ \w*Options: \w+: /.test(line) && [...old].some((other) => other.startsWith(line.split(':')[0]));

const PROPERTY = /^\| <a id="property-[^"]*"><\/a> `([^`]+)` \| [^|]* \| ((?:\\\||[^|])*) \|/gm;
const SIGNATURE = /^```ts\n([\s\S]*?)\n```$/gm;

/** The signatures and the properties on the pages, each with the entry and the name that it belongs to. */
function declarationsOf(pages) {
  const found = new Set();
  for (const page of pages.split(/^# /m).slice(1)) {
    const [head, ...names] = page.split(/^### /m);
    for (const section of names) {
      const of = `${head.split('\n')[0]} ${section.split('\n')[0].replace(/\W+$/, '')}`;
      for (const [, signature] of section.matchAll(SIGNATURE)) found.add(`${of}: ${signature.replace(/\s+/g, ' ')}`);
      for (const [, name, type] of section.matchAll(PROPERTY)) found.add(`${of}: ${name}: ${plain(type)}`);
    }
  }
  return found;
}

/** A type of a table without its links and marks. */
const plain = (type) =>
  type
    .replace(/\[`?([^\]`]*)`?\]\([^)]*\)/g, '$1')
    .replace(/[`\\]/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
