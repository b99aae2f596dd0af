/** Finds words in comments, docs and names that only this project used as terms. Changelog and applied migrations keep their text. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '@rondo/tool/workspace';

/** Each with what to write instead. */
const INSTEAD = {
  beside: 'next to, besides, or compared with',
  told: 'the verb with its subject: the client gets, the instance reports, the log says',
  firings: 'the times of a schedule',
  innocents: 'the other clients, or the other calls',
};
const WORDS = new RegExp(String.raw`\b(?:${Object.keys(INSTEAD).join('|')})\b`, 'gi');
/** In a name such as `toldBy`. "Out of sight" is plain in prose. */
const TERMS = [...Object.keys(INSTEAD), 'sight'];
const LATER = TERMS.map((term) => term.replace(/^./, (first) => first.toUpperCase())).join('|');
const NAMES = new RegExp(String.raw`\b(?:${TERMS.join('|')}|${LATER})(?=\b|[A-Z])|(?<=[a-z])(?:${LATER})(?=\b|[A-Z])`);
const EXEMPT = /^CHANGELOG\.md$|\/migrations\/|^lab\/(?:e2e\/)?words\./;
/** By ending, the comment of a line. A string that looks like one is read too: it is prose in nearly every case. */
const COMMENTS = [
  [/\.md$/, /^(.*)$/],
  [/\.(?:[cm]?[jt]sx?|go|java|proto)$/, /(?:^\s*\*|\/\*\*?|(?:^|\s)\/\/)\s(.*)$/],
  [/\.(?:sh|ya?ml|py)$|^\.ci\//, /(?:^|\s)#\s(.*)$/],
  [/\.sql$/, /(?:^|\s)--\s(.*)$/],
];

/** Checks the comments, docs and names of files. */
export function plainWords(tracked) {
  const faults = tracked
    .filter((file) => !EXEMPT.test(file) && existsSync(path.join(root, file)))
    .flatMap((file) => wordsIn(file, () => readFileSync(path.join(root, file), 'utf8')));
  return { code: faults.length, output: faults.join('\n') };
}

/** The faults of one file: `docs/faq.md:3: "beside": write next to, …`. */
export function wordsIn(file, read) {
  const [, comment] = COMMENTS.find(([ending]) => ending.test(file)) ?? [];
  if (comment === undefined) return [];
  let isCode = false;
  return read()
    .split('\n')
    .flatMap((line, index) => {
      if (/^\s*```/.test(line)) isCode = !isCode;
      const [whole = '', prose = ''] = (isCode ? null : comment.exec(line)) ?? [];
      const found = prose.replace(/`[^`]*`|\]\([^)]*\)|\{@link \w+\}/g, '').match(WORDS) ?? [];
      const at = `${file}:${index + 1}:`;
      const faults = found.map((word) => `${at} "${word}": write ${INSTEAD[word.toLowerCase()]}`);
      const code = /\.[cm]?[jt]sx?$/.test(file) ? line.replace(whole, '').replace(/(['"`]).*?\1|\/.*\//g, '') : '';
      const name = NAMES.exec(code);
      return name === null ? faults : [...faults, `${at} the name "${name[0]}": take a word of the field's`];
    });
}
