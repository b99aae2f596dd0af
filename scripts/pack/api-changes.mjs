/** What docs/reference/api.md, the report of the packages' public types, has lost since the last release. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../process.mjs';

const PAGE = 'docs/reference/api.md';

/**
 * Compares with the last commit before this one that has a tag such as v0.1.0.
 * @returns {Promise<{ faults: string[], note: string }>} `faults` has what a caller can miss, unless the minor version is a new one.
 */
export async function apiChanges() {
  const { code, output } = await run('git', ['describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^']);
  const tag = output.trim();
  if (code !== 0) return { faults: [], note: 'API: no tag such as v0.1.0 to compare with' };
  const [page, manifest] = await Promise.all(
    [PAGE, 'package.json'].map((file) => run('git', ['show', `${tag}:${file}`])),
  );
  if (page.code !== 0 || manifest.code !== 0) return { faults: [], note: `API: ${tag} has no ${PAGE}` };
  const released = JSON.parse(manifest.output).version;
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const broken = breaking(page.output, readFileSync(path.join(root, PAGE), 'utf8'));
  const isNewMinor = minorOf(version) !== minorOf(released);
  return {
    faults: isNewMinor
      ? []
      : broken.map((line) => `${line}: breaks what ${released} has, so ${version} needs a new minor version`),
    note: `API: ${broken.length} breaking changes since ${tag}`,
  };
}

const minorOf = (version) => version.split('.').slice(0, 2).join('.');

/**
 * Each declaration that is gone or changed, and each new property that those who pass options must give.
 * @param {string} before The page as it was.
 * @param {string} now
 */
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

/** The declarations and the properties on the page, each with the entry and the name that it belongs to. */
function declarationsOf(page) {
  const found = new Set();
  for (const entry of page.split(/^## /m).slice(1)) {
    const [head, ...names] = entry.split(/^### /m);
    for (const section of names) {
      const [, name, code, rest] = /^(\S+)\n\n```ts\n([\s\S]*?)\n```([\s\S]*)/.exec(section) ?? [];
      const properties = [...(rest ?? '').matchAll(/^- `(.*)`$/gm)].map(([, property]) => property);
      for (const line of [...(code ?? '').split('\n'), ...properties])
        found.add(`${head.split('\n')[0]} ${name}: ${line}`);
    }
  }
  return found;
}
