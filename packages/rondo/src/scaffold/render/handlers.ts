import { fillFile } from '../../template.js';
import { kebabCase } from '../words.js';
import { handlersFile, openMethods, propertyName } from './app.js';
import type { NamedResource, NamedService } from './blueprint.js';
import { type Defined, define, uniqueIndex } from './definition.js';

/**
 * Renders the handlers of a gRPC service with the definitions of its resources. The methods that aren't standard are stubs.
 *
 * @param known The resources of the service: those that these may refer to.
 */
export function renderHandlers(
  service: string,
  named: NamedService,
  known: readonly NamedResource[] = named.resources,
): string {
  const { contract, names, resources } = named;
  const { definition, module, fullName } = contract;
  const defined = resources.map((one) => define(one, known));
  const stubs = openMethods(named).map(({ key }) => propertyName(key));
  return fillFile('service/handlers.ts.tmpl', {
    definition,
    module,
    fullName,
    name: names.value,
    file: handlersFile(service, named),
    stubs,
    hasStubs: stubs.length > 0,
    stored: resources.length > 0,
    refers: defined.some(({ targets }) => targets.size > 0),
    resources: defined.map(viewOf),
  });
}

function viewOf(defined: Defined) {
  const { contract, value, table, unique, columns, filter, sort } = defined;
  const quoted = (keys: readonly string[]) => keys.map((key) => `'${key}'`).join(', ');
  const uniques = unique.map((key) => `${uniqueIndex(defined, key)}: '${key}'`);
  const properties = [
    ...(columns.length > 0 ? [`columns: { ${columns.join(', ')} }`] : []),
    ...(filter.length > 0 ? [`filter: [${quoted(filter)}]`] : []),
    ...(sort.length > 0 ? [`sort: [${quoted(sort)}]`] : []),
    ...(uniques.length > 0 ? [`unique: { ${uniques.join(', ')} }`] : []),
  ];
  const title = kebabCase(contract.many).replaceAll('-', ' ');
  return { title, value, table, properties, message: contract.message, from: contract.module };
}
