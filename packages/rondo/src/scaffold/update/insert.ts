import { propertyName } from '../render/app.js';
import { lineStart, spliceIn } from '../text.js';
import type { HandlerObject, SourceFile } from './source-file.js';
import { child, children, flagOf, hasTrailingComma, nameOf, type Syntax } from './syntax.js';

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

/** Adds members after the others of an object or array literal, in their layout. No comment changes its member. */
export function appendMembers(
  text: string,
  { node, members }: { readonly node: Syntax; readonly members: readonly Syntax[] },
  added: readonly string[],
): readonly Insertion[] {
  const last = members.at(-1);
  if (last !== undefined && !text.slice(node.start, members[0]?.start).includes('\n')) {
    return [{ at: last.end, text: added.map((member) => `, ${member}`).join('') }];
  }
  const outer = indentAt(text, node.start);
  const indent = last === undefined ? `${outer}${outer.includes('\t') ? '\t' : '  '}` : indentAt(text, last.start);
  const at = text.slice(0, node.end - 1).trimEnd().length;
  const lines = added.map((member) => `\n${indent}${member},`).join('');
  const closing = text.slice(at, node.end).includes('\n') ? '' : `\n${outer}`;
  const comma = last === undefined || hasTrailingComma(node) ? [] : [{ at: last.end, text: ',' }];
  return [{ at, text: `${lines}${closing}` }, ...comma];
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(lineStart(text, offset), offset);
  return /^\s*/.exec(line)?.[0] ?? '';
}

/** Adds stubs for methods to a handlers object, with the import that they need. */
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
  const last = children(program, 'body')
    .filter(({ type }) => type === 'ImportDeclaration')
    .at(-1);
  const written = last === undefined ? '' : text.slice(last.start, last.end);
  const styled = lines
    .map((line) => (written.includes('"') ? line.replaceAll("'", '"') : line))
    .map((line) => (written === '' || written.endsWith(';') ? line : line.replace(/;$/, '')));
  if (last === undefined) return [{ at: 0, text: styled.map((line) => `${line}\n`).join('') }];
  return [{ at: last.end, text: styled.map((line) => `\n${line}`).join('') }];
}
