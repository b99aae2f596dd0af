/** Finds links and file names in the docs that lead nowhere. The changelog tells of files that were, so it is left out. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { root } from '@rondo/tool/workspace';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const FILE = /`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs))`/g;
/** Guides also name files that their reader writes. */
const OF_THE_READER = /^docs\/guides\//;

/** Checks the docs among the files that git holds or would hold. */
export function linksLead(tracked) {
  const files = tracked.filter((file) => existsSync(path.join(root, file)));
  const services = readdirSync(path.join(root, 'services'));
  const ours = new RegExp(`^(?:packages|services/(?:${services.join('|')})|scripts|infra|lab)/`);
  const isFile = (name) => files.some((file) => file === name || file.endsWith(`/${name}`));
  const faults = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = proseOf(readFileSync(path.join(root, file), 'utf8'));
      const links = captured(text, LINK).filter((target) => !/^[a-z]+:/.test(target));
      const names = (file === 'CHANGELOG.md' ? [] : captured(text, FILE)).filter(
        (name) => ours.test(name) || !OF_THE_READER.test(file),
      );
      return [
        ...links.filter((target) => !leadsSomewhere(file, target)).map((target) => `${file}: no ${target}`),
        ...names.filter((name) => !isFile(name)).map((name) => `${file}: no file ${name}`),
      ];
    });
  return { code: faults.length, output: faults.join('\n') };
}

const captured = (text, pattern) => [...text.matchAll(pattern)].map(([, found = '']) => found);

function leadsSomewhere(file, target) {
  const [to = '', anchor] = target.split('#');
  const found = to === '' ? path.join(root, file) : path.resolve(root, path.dirname(file), to);
  if (!existsSync(found)) return false;
  if (anchor === undefined || statSync(found).isDirectory() || !found.endsWith('.md')) return true;
  return anchorsOf(readFileSync(found, 'utf8')).has(anchor);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text) {
  const seen = new Map();
  return new Set(
    captured(proseOf(text), /^#{1,6}\s+(.*)$/gm).map((heading) => {
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
const proseOf = (text) => text.replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, '');
