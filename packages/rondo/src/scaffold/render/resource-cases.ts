import type { View } from '../../template.js';
import type { ResourceContract } from '../contract/resources.js';
import { capitalised, kebabCase } from '../words.js';
import type { NamedResource, NamedService } from './blueprint.js';

/**
 * The test of the resources of services, which makes each of them with what it needs. One for which no values were found has no case.
 *
 * @param known All services of the contracts.
 */
export function testResources(services: readonly NamedService[], known: readonly NamedService[]): View {
  const makers: Makers = new Map();
  const tested = services.flatMap((named) => named.resources.filter((one) => collect(one, { known, makers })));
  const used = known.filter(({ resources }) => resources.some(({ contract }) => makers.has(contract.type)));
  const made = tested.map(({ contract }) => caseOf(contract, known));
  return {
    definitions: used.map(({ contract: { definition, module }, names }) => ({
      definition,
      module,
      client: clientOf(names.file),
    })),
    makers: [...makers.values()],
    made,
    hasClients: used.length > 0,
    hasStatus: made.some(({ deletes, isHidden }) => deletes && !isHidden),
  };
}

/** The functions that make resources, by their types, each after those that it calls. */
type Makers = Map<string, { readonly maker: string; readonly create: string }>;

const clientOf = (file: string) => `${file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Client`;

const makerOf = ({ One }: ResourceContract) => `make${One}`;

interface Collected {
  readonly known: readonly NamedService[];
  readonly makers: Makers;
}

/** Adds the function that makes a resource, with those for what it needs. Returns whether that is possible. */
function collect({ contract }: NamedResource, { known, makers }: Collected): boolean {
  const { type, sample, description } = contract;
  if (makers.has(type)) return true;
  const of = (fits: (one: ResourceContract) => boolean) =>
    known.flatMap(({ resources }) => resources).find((one) => fits(one.contract));
  const parentPattern = description.pattern.split('/').slice(0, -2).join('/');
  const parent = of((one) => one.description.pattern === parentPattern);
  const needed = (sample ?? []).map(([key, value]) => {
    const target = typeof value === 'string' ? undefined : of((one) => one.kind === value.refersTo);
    return { key, value, target };
  });
  const isKnown = needed.every(({ value, target }) => typeof value === 'string' || target !== undefined);
  if (sample === undefined || !isKnown || (parentPattern !== '' && parent === undefined)) return false;
  const first = [...(parent ? [parent] : []), ...needed.flatMap(({ target }) => target ?? [])];
  if (first.some((one) => one.contract.type === type || !collect(one, { known, makers }))) return false;
  const named = (one: NamedResource) => `(await ${makerOf(one.contract)}()).name`;
  const fields = needed.map(({ key, value, target }) => `${key}: ${target ? named(target) : value}`);
  const request = [
    ...(parent ? [`parent: ${named(parent)}`] : []),
    `${contract.one}: ${fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`}`,
  ];
  const create = `${clientFor(contract, known)}.create${contract.One}({ ${request.join(', ')} })`;
  makers.set(type, { maker: makerOf(contract), create });
  return true;
}

function clientFor({ type }: ResourceContract, known: readonly NamedService[]): string {
  const service = known.find(({ resources }) => resources.some(({ contract }) => contract.type === type));
  return clientOf(service?.names.file ?? '');
}

function caseOf(contract: ResourceContract, known: readonly NamedService[]) {
  const { One, one, many, methods, description } = contract;
  const Many = capitalised(many);
  const isPart = description.pattern.split('/').length > 2;
  return {
    One,
    one,
    Many,
    many,
    maker: makerOf(contract),
    client: clientFor(contract, known),
    title: kebabCase(many).replaceAll('-', ' '),
    parent: isPart ? `{ parent: ${one}.name.split('/').slice(0, -2).join('/') }` : '{}',
    lists: methods.includes(`list${Many}`),
    deletes: methods.includes(`delete${One}`),
    isHidden: description.fields.some(({ key }) => key === 'deleteTime'),
  };
}
