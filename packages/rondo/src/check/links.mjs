/** Finds links and file names in the docs that lead nowhere. The changelog tells of files that were, so it is left out. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/paths.js';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const FILE = /`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs))`/g;
/** Guides also name files that their reader writes. */
const OF_THE_READER = /^docs\/guides\//;
const services = readdirSync(path.join(root, 'services'));
const OURS = new RegExp(`^(?:packages|services/(?:${services.join('|')})|scripts|infra|lab)/`);
/** A fork may have deleted the laboratory. */
const GONE = existsSync(path.join(root, 'lab')) ? /^$/ : /^lab\//;

/** What git holds or would hold. */
const LISTED = ['ls-files', '--cached', '--others', '--exclude-standard'];
const tracked = execFileSync('git', LISTED, { cwd: root, encoding: 'utf8' }).trim().split('\n');
const present = tracked.filter((file) => existsSync(path.join(root, file)));
const faults = present.filter((file) => file.endsWith('.md')).flatMap(faultsIn);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function faultsIn(file) {
  const text = proseOf(readFileSync(path.join(root, file), 'utf8'));
  const links = [...text.matchAll(LINK)].map(([, target]) => target).filter((target) => !/^[a-z]+:/.test(target));
  const named = file === 'CHANGELOG.md' ? [] : [...text.matchAll(FILE)].map(([, name = '']) => name);
  const names = named.filter((name) => !GONE.test(name));
  const ours = OF_THE_READER.test(file) ? names.filter((name) => OURS.test(name)) : names;
  return [
    ...links.filter((target) => !leadsSomewhere(file, target)).map((target) => `${file}: no ${target}`),
    ...ours.filter((name) => !isFile(name)).map((name) => `${file}: no file ${name}`),
  ];
}

/** Whether a file has this path, or one that ends in it. */
function isFile(name) {
  return present.some((file) => file === name || file.endsWith(`/${name}`));
}

function leadsSomewhere(file, target) {
  const [to = '', anchor] = target.split('#');
  const found = to === '' ? path.join(root, file) : path.resolve(root, path.dirname(file), to);
  if (!existsSync(found)) return false;
  if (anchor === undefined || statSync(found).isDirectory() || !found.endsWith('.md')) return true;
  return anchorsOf(readFileSync(found, 'utf8')).has(anchor);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text) {
  const headings = [...proseOf(text).matchAll(/^#{1,6}\s+(.*)$/gm)].map(([, heading = '']) => heading);
  const seen = new Map();
  return new Set(
    headings.map((heading) => {
      const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = plain
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-');
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

/** A document without its code blocks. */
function proseOf(text) {
  return text.replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, '');
}
