import type { ResourceContract } from '../contract/resources.js';
import { kebabCase } from '../words.js';
import type { NamedResource, NamedService } from './blueprint.js';

/** A test of resources: how they are made, and one case each. */
export interface ResourceTest {
  readonly imports: readonly string[];
  readonly setup: readonly string[];
  readonly cases: readonly string[];
}

/**
 * The test of the resources of services, which makes each of them with what it needs. One for which no values were found has no case.
 *
 * @param known All services of the contracts.
 */
export function testResources(services: readonly NamedService[], known: readonly NamedService[]): ResourceTest {
  const makers = new Map<string, readonly string[]>();
  const tested = services.flatMap((named) => named.resources.filter((one) => collect(one, { known, makers })));
  const used = known.filter(({ resources }) => resources.some(({ contract }) => makers.has(contract.type)));
  return {
    imports: used.map(({ contract: { definition, module } }) => `import { ${definition} } from '${module}';`),
    setup: [
      ...used.map(
        ({ contract: { definition }, names }) =>
          `const ${clientOf(names.file)} = createClient(${definition}, { channel });`,
      ),
      ...[...makers.values()].flat(),
    ],
    cases: tested.flatMap((one) => ['', ...caseOf(one.contract, known)]),
  };
}

const clientOf = (file: string) => `${file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Client`;

const makerOf = ({ One }: ResourceContract) => `make${One}`;

interface Collected {
  readonly known: readonly NamedService[];
  /** The functions that make resources, by their types, each after those that it calls. */
  readonly makers: Map<string, readonly string[]>;
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
  const call = `${clientFor(contract, known)}.create${contract.One}({ ${request.join(', ')} })`;
  makers.set(type, [`const ${makerOf(contract)} = async () => ${call};`]);
  return true;
}

function clientFor({ type }: ResourceContract, known: readonly NamedService[]): string {
  const service = known.find(({ resources }) => resources.some(({ contract }) => contract.type === type));
  return clientOf(service?.names.file ?? '');
}

function caseOf(contract: ResourceContract, known: readonly NamedService[]): readonly string[] {
  const { One, one, many, methods, description } = contract;
  const client = clientFor(contract, known);
  const Many = `${many.charAt(0).toUpperCase()}${many.slice(1)}`;
  const isPart = description.pattern.split('/').length > 2;
  const parent = isPart ? `{ parent: ${one}.name.split('/').slice(0, -2).join('/') }` : '{}';
  const lists = methods.includes(`list${Many}`)
    ? [`  expect((await ${client}.list${Many}(${parent})).${many}).toContainEqual(${one});`]
    : [];
  const isHidden = description.fields.some(({ key }) => key === 'deleteTime');
  const gone = isHidden
    ? [`  expect((await ${client}.get${One}({ name: ${one}.name })).deleteTime).toBeDefined();`]
    : [`  await expect(${client}.get${One}({ name: ${one}.name })).rejects.toMatchObject({ code: Status.NOT_FOUND });`];
  const deletes = methods.includes(`delete${One}`)
    ? [`  await ${client}.delete${One}({ name: ${one}.name });`, ...gone]
    : [];
  return [
    `it('makes ${kebabCase(many).replaceAll('-', ' ')}, and finds them again', async () => {`,
    `  const ${one} = await ${makerOf(contract)}();`,
    `  await expect(${client}.get${One}({ name: ${one}.name })).resolves.toEqual(${one});`,
    ...lists,
    ...deletes,
    '});',
  ];
}
