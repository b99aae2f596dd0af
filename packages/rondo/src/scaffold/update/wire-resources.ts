import { Refusal } from '../errors.js';
import type { NamedService } from '../render/blueprint.js';
import { appendMembers, insertAll } from './insert.js';
import { servicesList, wire } from './merge.js';
import { sourceOf } from './source-file.js';
import { child, children, nameOf, walk } from './syntax.js';

/**
 * The text of an app with further services of resources, and their tables.
 *
 * @throws Refusal if the app doesn't open its database by `openResources`, or `openDatabase` of its adapter.
 */
export function wireResources(file: string, text: string, named: readonly NamedService[]): string {
  const opening = text
    .replace(
      "import { openDatabase } from './adapters/database.js';",
      "import { openResources } from './adapters/resources.js';",
    )
    .replace(/\bopenDatabase\(/g, 'openResources(');
  const source = sourceOf(file, opening);
  const opened = [...walk(source.program)].find(
    (node) => node.type === 'VariableDeclarator' && nameOf(child(node, 'init', 'callee')) === 'openResources',
  );
  const [options] = children(child(opened, 'init'), 'arguments');
  const [wiring] = servicesList(source);
  const variable = nameOf(child(opened, 'id'));
  if (options?.type !== 'ObjectExpression' || variable === undefined || wiring === undefined) {
    throw new Refusal("doesn't open its database by openDatabase or openResources({ … }) of src/adapters", {
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
      ? appendMembers(opening, { node, members: children(node, 'elements') }, values)
      : appendMembers(opening, { node: options, members }, [`resources: [${values.join(', ')}]`]);
  return insertAll(opening, [...added, ...wire(wiring, named, variable).map(({ insertion }) => insertion)]);
}
