import { messageOf } from '../../workspace/errors.js';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';
import { lineAt } from '../text.js';
import { child, children, flagOf, nameOf, parseTypeScript, type Syntax, walk } from './syntax.js';

/** The import that a local name refers to. */
export interface Imported {
  readonly module: string;
  readonly name: string;
}

/** A parsed source file of a service. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
  readonly program: Syntax;
  readonly imports: ReadonlyMap<string, Imported>;
  /** The handlers that it contains as object literals. */
  readonly handlers: readonly HandlerObject[];
  /** The calls of `implement`, with the definition of each. */
  readonly implementations: readonly { readonly definition: Imported; readonly line: number }[];
}

/** An object literal with the handlers of a gRPC service. */
export interface HandlerObject {
  readonly definition: Imported;
  readonly node: Syntax;
  readonly line: number;
  readonly properties: readonly { readonly key: string; readonly line: number }[];
  /** Whether it spreads another object, whose handlers can't be seen here. */
  readonly spread: boolean;
  /** Whether it spreads the standard methods of resources. */
  readonly standard: boolean;
}

/**
 * Reads a TypeScript file of the repository.
 *
 * @throws Refusal if it can't be parsed.
 */
export const readSource = (root: string, file: string): SourceFile => sourceOf(file, readText(root, file));

/** Parses the text of a TypeScript file. @throws Refusal if that isn't possible. */
export function sourceOf(file: string, text: string): SourceFile {
  const program = parsed(file, text);
  const imports = new Map(children(program, 'body').flatMap(importsOf));
  const found = [...walk(program)];
  const handlers = found
    .flatMap((node) => handlerObjects(node, imports))
    .map((one) => describeObject(text, imports, one));
  const implementations = found.flatMap((node) => {
    const definition = implemented(node, imports);
    return definition === undefined ? [] : [{ definition, line: lineAt(text, node.start) }];
  });
  return { file, text, program, imports, handlers, implementations };
}

function parsed(file: string, text: string): Syntax {
  try {
    return parseTypeScript(text);
  } catch (error) {
    const [reason = '', line] = messageOf(error).split(/ \((\d+):\d+\)$/);
    const place = line === undefined ? { file } : { file, line: Number(line) };
    throw new Refusal(reason.replace(/\.$/, ''), { place, remedy: 'correct it first' });
  }
}

function importsOf(statement: Syntax): readonly (readonly [string, Imported])[] {
  const module = nameOf(child(statement, 'source'));
  if (statement.type !== 'ImportDeclaration' || module === undefined) return [];
  return children(statement, 'specifiers').flatMap((specifier) => {
    const local = nameOf(child(specifier, 'local'));
    const name = nameOf(child(specifier, 'imported'));
    return local === undefined || name === undefined ? [] : [[local, { module, name }] as const];
  });
}

type Imports = ReadonlyMap<string, Imported>;
interface Found {
  readonly definition: Imported;
  readonly node: Syntax;
}

/** The object literals that a node marks as handlers: by an annotation, `satisfies`, a return type or `implement`. */
function handlerObjects(node: Syntax, imports: Imports): readonly Found[] {
  const named = (type: Syntax | undefined, values: readonly (Syntax | undefined)[]) => {
    const definition = handledBy(type, imports);
    if (definition === undefined) return [];
    return values.flatMap((value) => (value?.type === 'ObjectExpression' ? [{ definition, node: value }] : []));
  };
  switch (node.type) {
    case 'VariableDeclarator':
      return named(child(node, 'id', 'typeAnnotation', 'typeAnnotation'), [child(node, 'init')]);
    case 'TSSatisfiesExpression':
    case 'TSAsExpression':
      return named(child(node, 'typeAnnotation'), [child(node, 'expression')]);
    case 'CallExpression': {
      const definition = implemented(node, imports);
      const handlers = children(node, 'arguments')[1];
      return definition && handlers?.type === 'ObjectExpression' ? [{ definition, node: handlers }] : [];
    }
    default:
      return named(child(node, 'returnType', 'typeAnnotation'), returned(node));
  }
}

/** The values that a function returns itself, not through inner functions. */
function returned(node: Syntax): readonly (Syntax | undefined)[] {
  const statements = children(child(node, 'body'), 'body').filter(({ type }) => type === 'ReturnStatement');
  return [child(node, 'body'), ...statements.map((statement) => child(statement, 'argument'))];
}

/** The definition in `Handlers<typeof Definition>`. */
function handledBy(type: Syntax | undefined, imports: Imports): Imported | undefined {
  if (imports.get(nameOf(child(type, 'typeName')) ?? '')?.name !== 'Handlers') return undefined;
  const [query] = children(child(type, 'typeParameters'), 'params');
  return imports.get(nameOf(child(query, 'exprName')) ?? '');
}

/** The definition in `implement(Definition, …)`. */
function implemented(node: Syntax, imports: Imports): Imported | undefined {
  if (node.type !== 'CallExpression') return undefined;
  if (imports.get(nameOf(child(node, 'callee')) ?? '')?.name !== 'implement') return undefined;
  return imports.get(nameOf(children(node, 'arguments')[0]) ?? '');
}

function describeObject(text: string, imports: Imports, { definition, node }: Found): HandlerObject {
  const members = children(node, 'properties');
  const properties = members.flatMap((member) => {
    const key = flagOf(member, 'computed') !== true ? nameOf(child(member, 'key')) : undefined;
    return key === undefined ? [] : [{ key, line: lineAt(text, member.start) }];
  });
  const spreads = members.filter(({ type }) => type === 'SpreadElement');
  const isStandard = (member: Syntax) =>
    imports.get(nameOf(child(member, 'argument', 'callee')) ?? '')?.name === 'standardMethods';
  const spread = spreads.some((member) => !isStandard(member));
  return { definition, node, line: lineAt(text, node.start), properties, spread, standard: spreads.some(isStandard) };
}
