import { Refusal } from '../errors.js';
import type { NamedService } from '../render/blueprint.js';
import { appendMembers, insertAll } from './insert.js';
import { servicesList, wire } from './merge.js';
import { sourceOf } from './source-file.js';
import { child, children, nameOf, walk } from './syntax.js';

/** The functions that open a service's database: of `@rondo/resources`, and of the adapters that an app of 0.2 has. */
const OPENERS = ['openDatabase', 'openResources'];

/** Refuses an app of 0.2, whose adapter opens a database that what is added doesn't work with. @throws Refusal that says what to do. */
export function refuseAdapter(file: string, text: string, adapters: RegExp): void {
  const [, adapter] = adapters.exec(text) ?? [];
  if (adapter === undefined) return;
  throw new Refusal(`opens its database by src/adapters/${adapter}.ts, as an app of 0.2 does`, {
    place: { file },
    remedy:
      'open it by openDatabase of @rondo/resources, as rondo new service --with-database writes it, put it into parts, and run this again',
  });
}

/**
 * The text of an app with further services of resources, and their tables.
 *
 * @throws Refusal if the app doesn't open its database by `openDatabase` of `@rondo/resources`, or `openResources` of its adapter.
 */
export function wireResources(file: string, text: string, named: readonly NamedService[]): string {
  refuseAdapter(file, text, /from '\.\/adapters\/(database)\.js'/);
  const source = sourceOf(file, text);
  const opened = [...walk(source.program)].find(
    (node) => node.type === 'VariableDeclarator' && OPENERS.includes(nameOf(child(node, 'init', 'callee')) ?? ''),
  );
  const [options] = children(child(opened, 'init'), 'arguments');
  const [wiring] = servicesList(source);
  const variable = nameOf(child(opened, 'id'));
  if (options?.type !== 'ObjectExpression' || variable === undefined || wiring === undefined) {
    throw new Refusal("doesn't open its database by openDatabase({ … })", {
      place: { file },
      remedy: 'write the resource by hand, or make a service for it: rondo new service NAME --with-database',
    });
  }
  const members = children(options, 'properties');
  const list = members.find((member) => nameOf(child(member, 'key')) === 'resources');
  const node = child(list, 'value');
  const values = named.flatMap(({ resources }) => resources.map(({ value }) => value));
  const added =
    node?.type === 'ArrayExpression'
      ? appendMembers(text, { node, members: children(node, 'elements') }, values)
      : appendMembers(text, { node: options, members }, [`resources: [${values.join(', ')}]`]);
  return insertAll(text, [...added, ...wire(wiring, named, variable).map(({ insertion }) => insertion)]);
}
