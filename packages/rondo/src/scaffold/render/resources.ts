import { kebabCase } from '../words.js';
import { handlersFile, openMethods, propertyName } from './app.js';
import type { NamedResource, NamedService } from './blueprint.js';
import { type Defined, define, uniqueIndex } from './definition.js';

/**
 * Renders the handlers of a gRPC service with the definitions of its resources. The methods that aren't standard are stubs.
 *
 * @param known The resources of the service: those that these may refer to.
 */
export function renderResources(service: string, named: NamedService, known: readonly NamedResource[]): string {
  const { contract, names, resources } = named;
  const defined = resources.map((one) => define(one, known));
  const stubs = openMethods(named);
  const refers = defined.some(({ targets }) => targets.size > 0);
  const server = `{ type Handlers${stubs.length > 0 ? ', unimplemented' : ''} }`;
  return [
    `import { ${contract.definition} } from '${contract.module}';`,
    ...resources.map((one) => `import { ${one.contract.message} } from '${one.contract.module}';`),
    `import { defineResource, type ResourceContext, ${refers ? 'reference, ' : ''}standardMethods } from '@rondo/resources';`,
    `import ${stubs.length > 0 ? server : 'type { Handlers }'} from '@rondo/rpc/server';`,
    ...(stubs.length > 0 ? ['', `const unwritten = unimplemented('${handlersFile(service, named)}');`] : []),
    ...defined.flatMap(definition),
    '',
    `/** The handlers of \`${contract.fullName}\`. */`,
    `export const ${names.value} = (context: ResourceContext): Handlers<typeof ${contract.definition}> => ({`,
    ...resources.map(({ value }) => `  ...standardMethods(${contract.definition}, ${value}, context),`),
    ...stubs.map(({ key }) => `  ${propertyName(key)}: unwritten,`),
    '});',
    '',
  ].join('\n');
}

function definition(defined: Defined): readonly string[] {
  const { contract, value, table, unique, columns, filter, sort } = defined;
  const property = (name: string, members: readonly string[], [open, close]: readonly [string, string]) =>
    members.length === 0 ? [] : [`  ${name}: ${open}${members.join(', ')}${close},`];
  const quoted = (keys: readonly string[]) => keys.map((key) => `'${key}'`);
  const uniques = unique.map((key) => `${uniqueIndex(defined, key)}: '${key}'`);
  return [
    '',
    `/** The ${kebabCase(contract.many).replaceAll('-', ' ')}. */`,
    `export const ${value} = defineResource(${contract.message}, {`,
    `  table: '${table}',`,
    ...property('columns', columns, ['{ ', ' }']),
    ...property('filter', quoted(filter), ['[', ']']),
    ...property('sort', quoted(sort), ['[', ']']),
    ...property('unique', uniques, ['{ ', ' }']),
    '});',
  ];
}
