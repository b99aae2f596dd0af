import { propertyName } from '../render/app.js';
import { lineBreakOf, lineStart, spliceIn } from '../text.js';
import type { HandlerObject, SourceFile } from './source-file.js';
import { child, children, flagOf, nameOf, type Syntax } from './syntax.js';

/** A text to insert at an offset. Nothing is removed. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Applies all insertions to a text. */
export function insertAll(text: string, insertions: readonly Insertion[]): string {
  return [...insertions]
    .sort((one, other) => other.at - one.at)
    .reduce((rest, { at, text: added }) => spliceIn(rest, at, added), text);
}

/** Appends members to an object or array literal in the layout of the existing members. */
export function appendMembers(
  text: string,
  { node, members }: { readonly node: Syntax; readonly members: readonly Syntax[] },
  added: readonly string[],
): readonly Insertion[] {
  const eol = lineBreakOf(text);
  const last = members.at(-1);
  if (last === undefined) return intoEmpty(text, node, { added, eol });
  if (!text.slice(node.start, members[0]?.start).includes('\n')) {
    return [{ at: last.end, text: added.map((member) => `, ${member}`).join('') }];
  }
  const indent = indentAt(text, last.start);
  const comma = commaAfter(text, last.end, node.end);
  const at = endOfLine(text, (comma ?? last.end - 1) + 1, node.end);
  const lines = added.map((member) => `${eol}${indent}${member}`);
  if (comma !== undefined) return [{ at, text: lines.map((line) => `${line},`).join('') }];
  const block = lines.join(',');
  return at === last.end
    ? [{ at, text: `,${block}` }]
    : [
        { at: last.end, text: ',' },
        { at, text: block },
      ];
}

function intoEmpty(
  text: string,
  { start }: Syntax,
  { added, eol }: { readonly added: readonly string[]; readonly eol: string },
): readonly Insertion[] {
  const outer = indentAt(text, start);
  const step = outer.includes('\t') ? '\t' : '  ';
  const lines = added.map((member) => `${eol}${outer}${step}${member},`).join('');
  return [{ at: start + 1, text: `${lines}${eol}${outer}` }];
}

/** The offset of the comma after a member, past any comments. */
function commaAfter(text: string, from: number, end: number): number | undefined {
  const gap = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*,/.exec(text.slice(from, end));
  return gap === null ? undefined : from + gap[0].length - 1;
}

/** The offset after a comment that ends the line; `from` itself if more code follows on the line. */
function endOfLine(text: string, from: number, end: number): number {
  const rest = /^[^\S\r\n]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/)?(?=[^\S\r\n]*\r?\n)/.exec(text.slice(from, end));
  return from + (rest?.[0].length ?? 0);
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(lineStart(text, offset), offset);
  return /^\s*/.exec(line)?.[0] ?? '';
}

/** Appends stubs for methods to a handlers object, with the import that they need. */
export function insertStubs(source: SourceFile, object: HandlerObject, keys: readonly string[]): readonly Insertion[] {
  const { text, program, imports } = source;
  const known = stubName(program, imports);
  const stub = known ?? `unimplemented('${source.file}')`;
  const needsImport = known === undefined && ![...imports.keys()].includes('unimplemented');
  const members = children(object.node, 'properties');
  return [
    ...appendMembers(
      text,
      { node: object.node, members },
      keys.map((key) => `${propertyName(key)}: ${stub}`),
    ),
    ...(needsImport ? importUnimplemented(source) : []),
  ];
}

/** The constant of the stub for unimplemented methods, if the file has one. */
function stubName(program: Syntax, imports: SourceFile['imports']): string | undefined {
  const constants = children(program, 'body').flatMap((statement) => children(statement, 'declarations'));
  const found = constants.find(
    (one) => imports.get(nameOf(child(one, 'init', 'callee')) ?? '')?.name === 'unimplemented',
  );
  return nameOf(child(found, 'id'));
}

const SERVER = '@rondo/rpc/server';

function importUnimplemented(source: SourceFile): readonly Insertion[] {
  const existing = children(source.program, 'body').find(
    (statement) =>
      statement.type === 'ImportDeclaration' &&
      nameOf(child(statement, 'source')) === SERVER &&
      flagOf(statement, 'importKind') !== 'type',
  );
  const last = children(existing, 'specifiers').at(-1);
  if (last !== undefined) return [{ at: last.end, text: ', unimplemented' }];
  return insertImports(source, [`import { unimplemented } from '${SERVER}';`]);
}

/** Inserts lines after the last import, in the file's own style of quotes and semicolons. */
export function insertImports({ text, program }: SourceFile, lines: readonly string[]): readonly Insertion[] {
  const eol = lineBreakOf(text);
  const last = children(program, 'body')
    .filter(({ type }) => type === 'ImportDeclaration')
    .at(-1);
  const written = last === undefined ? '' : text.slice(last.start, last.end);
  const styled = lines
    .map((line) => (written.includes('"') ? line.replaceAll("'", '"') : line))
    .map((line) => (written === '' || written.endsWith(';') ? line : line.replace(/;$/, '')));
  if (last === undefined) return [{ at: 0, text: styled.map((line) => `${line}${eol}`).join('') }];
  return [{ at: last.end, text: styled.map((line) => `${eol}${line}`).join('') }];
}
