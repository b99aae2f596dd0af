import { Refusal } from '../errors.js';
import { cutOut, nextLine, type Span } from '../text.js';
import { appendMembers, insertAll, insertImports } from './insert.js';
import { type SourceFile, sourceOf } from './source-file.js';
import { child, children, hasTrailingComma, nameOf, type Syntax, walk } from './syntax.js';

/** What an app imports of a plugin: `import { consul } from '@rondo/registry-consul'`. */
export interface PluginImport {
  readonly module: string;
  readonly value: string;
}

/**
 * The text of a main.ts that passes a plugin to `runService`; the same text if it does already.
 *
 * @throws Refusal if it doesn't call `runService({ … })`, or its plugins are no list.
 */
export function withPlugin(file: string, text: string, { module, value }: PluginImport): string {
  const source = sourceOf(file, text);
  const { options, list } = pluginsOf(source);
  const local = localName(source, { module, value });
  if (local !== undefined && elementsOf(list).some((one) => nameOf(one) === local)) return text;
  const name = local ?? value;
  const passed =
    list === undefined
      ? appendMembers(text, { node: options, members: children(options, 'properties') }, [`plugins: [${name}]`])
      : appendMembers(text, { node: list, members: elementsOf(list) }, [name]);
  const imported = local === undefined ? insertImports(source, [`import { ${name} } from '${module}';`]) : [];
  return insertAll(text, [...passed, ...imported]);
}

/** The text of a main.ts without a plugin and its import. @throws Refusal as {@link withPlugin} does. */
export function withoutPlugin(file: string, text: string, { module, value }: PluginImport): string {
  const source = sourceOf(file, text);
  const local = localName(source, { module, value });
  if (local === undefined) return text;
  const { options, property, list } = pluginsOf(source);
  const elements = elementsOf(list);
  const element = elements.find((one) => nameOf(one) === local);
  const isLast = element !== undefined && elements.length === 1 && child(property, 'value') === list;
  const cuts = [
    ...(isLast && property !== undefined ? [memberSpan(text, options, property)] : []),
    ...(element !== undefined && !isLast ? [memberSpan(text, list, element)] : []),
    ...importSpan(source, module),
  ];
  return cuts.sort((one, other) => other.start - one.start).reduce(cutOut, text);
}

interface Plugins {
  /** The object literal that `runService` is called with. */
  readonly options: Syntax;
  readonly property: Syntax | undefined;
  /** The array literal of its plugins, which may be a constant of the file; undefined if it has none. */
  readonly list: Syntax | undefined;
}

function pluginsOf({ file, text, program, imports }: SourceFile): Plugins {
  const nodes = [...walk(program)];
  const call = nodes.find((node) => imports.get(nameOf(child(node, 'callee')) ?? '')?.name === 'runService');
  const [options] = children(call, 'arguments');
  const remedy = 'change its imports, the plugins of runService and package.json by hand';
  if (options?.type !== 'ObjectExpression') {
    throw new Refusal("doesn't call runService({ … })", { place: { file }, remedy });
  }
  const property = children(options, 'properties').find((one) => nameOf(child(one, 'key')) === 'plugins');
  const value = child(property, 'value');
  const constant = nodes.find((node) => node.type === 'VariableDeclarator' && sameName(child(node, 'id'), value));
  const list = value?.type === 'Identifier' ? child(constant, 'init') : value;
  if (property !== undefined && list?.type !== 'ArrayExpression') {
    const written = text.slice(property.start, property.end);
    throw new Refusal(`has no list of plugins: ${written}`, { place: { file }, remedy });
  }
  return { options, property, list };
}

const sameName = (one: Syntax | undefined, other: Syntax | undefined) =>
  nameOf(one) !== undefined && nameOf(one) === nameOf(other);
const elementsOf = (list: Syntax | undefined) => children(list, 'elements');

/** The name of an imported plugin in the file; undefined if the file doesn't import it. @throws Refusal if its name is taken. */
function localName({ file, imports }: SourceFile, { module, value }: PluginImport): string | undefined {
  const [local] = [...imports].find(([, one]) => one.module === module && one.name === value) ?? [];
  const taken = imports.get(value);
  if (local === undefined && taken !== undefined) {
    const reason = `imports another ${value}, from ${taken.module}`;
    throw new Refusal(reason, { place: { file }, remedy: 'give that import another name' });
  }
  return local;
}

/** A member of a list, with one of the commas next to it. */
function memberSpan(text: string, node: Syntax | undefined, member: Syntax): Span {
  const members = children(node, node?.type === 'ArrayExpression' ? 'elements' : 'properties');
  const index = members.indexOf(member);
  const [before, after] = [members[index - 1], members[index + 1]];
  if (after !== undefined) return { start: member.start, end: after.start };
  // A comment of the member before may stand between the two.
  const start = text.slice(0, member.start).trimEnd().length;
  if (node !== undefined && hasTrailingComma(node)) return { start, end: text.indexOf(',', member.end) + 1 };
  return { start: before?.end ?? start, end: member.end };
}

/** The line of the import of a module that has one name. */
function importSpan({ text, program }: SourceFile, module: string): readonly Span[] {
  const statement = children(program, 'body').find((one) => nameOf(child(one, 'source')) === module);
  if (statement === undefined || children(statement, 'specifiers').length !== 1) return [];
  return [{ start: statement.start, end: nextLine(text, statement.end) }];
}
