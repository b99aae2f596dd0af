import { topicsOf } from '../check/background.js';
import { fillFile } from '../template.js';
import { builtContracts } from '../workspace/contracts.js';
import { ownServices, readManifests } from '../workspace/manifests.js';
import { packageOf, withManifest } from './built.js';
import { Refusal } from './errors.js';
import { type Made, make } from './make.js';
import { moduleOf, packagesOf } from './packages.js';
import { filesAt, readText } from './repository.js';
import type { Files, Tree } from './tree.js';
import { camelCase, kebabCase, pascalCase, snakeCase } from './words.js';
import { withReferences } from './workspace-files/project-references.js';

export interface NewBackgroundOptions extends Tree {
  readonly kind: 'job' | 'workflow' | 'topic' | 'subscription';
  /** `remind-guests`; of a subscription the topic: `hotel.v1.RoomBooked`. */
  readonly name: string;
  readonly service: string;
}

/** What was added to a service, but for the lines of its app. */
export interface AddedBackground extends Made, Pick<NewBackgroundOptions, 'kind' | 'name'> {
  /** The gRPC service that publishes a new topic, as its contract says. */
  readonly publisher?: string;
}

export async function addBackground(options: NewBackgroundOptions): Promise<AddedBackground> {
  const { kind, name, service, progress } = options;
  const { files, lines, publisher } = await progress.step('check', () => draw(options));
  const made = await make(options, [service], files);
  const paste = [...made.paste, { file: `services/${service}/src/app.ts`, lines: lines.join('\n') }];
  const published = kind === 'topic' && publisher !== undefined ? { publisher: publisher.typeName } : {};
  return { kind, name, service, exempt: [], files: made.files, paste, ...published };
}

/** The files, the lines that `app` lacks, and the first gRPC service of the service. */
function draw({ root, kind, name, service }: NewBackgroundOptions) {
  const manifest = readManifests(ownServices(root), root).find((one) => one.service === service);
  if (manifest?.database === undefined) {
    const remedy = 'make one that has one: rondo new service NAME --with-database';
    throw new Refusal(`there is no service ${service} with a database, which a ${kind} needs`, { remedy });
  }
  const packages = packagesOf(root);
  const topic = kind === 'subscription' ? topicOf(root, name) : undefined;
  const words = topic === undefined ? name : `on-${kebabCase(topic.desc.name)}`;
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(words))
    throw new Refusal(`"${name}" isn't the name of a ${kind}`, { remedy: 'use lower-case words joined by -' });
  const [folder, own] = [`services/${service}`, packageOf(manifest)];
  const [file, type, value] = [kebabCase(words), pascalCase(words), camelCase(words)];
  const proto = `${own.replaceAll('.', '/')}/${snakeCase(words)}.proto`;
  const [publisher] = manifest.contracts.flatMap((one) => builtContracts(root).getFile(one)?.services ?? []);
  const returned = kind === 'workflow' ? 'google/longrunning/operations.proto' : 'google/protobuf/empty.proto';
  const imports = [returned, 'rondo/options/v1/options.proto', topic?.desc.file.proto.name ?? []];
  const view = {
    package: own,
    file,
    type,
    value,
    module: moduleOf(proto, packages.contracts),
    group: service,
    topic: topic !== undefined,
    retention: topic?.retention,
    caller: topic?.publisher ?? service,
    publisher: publisher?.typeName,
    request: topic?.desc.typeName ?? `${type}Request`,
    title: topic ? `subscription to ${name}` : `${kind} ${name}`,
    imports: imports.flat().sort(),
  };
  const fill = (file: string) => fillFile(`background/${file}.tmpl`, view);
  const isTopic = kind === 'topic';
  const form = kind === 'job' || kind === 'subscription' ? 'call' : kind;
  const added: readonly (readonly [string, string])[] = isTopic
    ? [[`proto/${proto}`, fill('topic.proto')]]
    : [
        [`proto/${proto}`, fill(`${form}.proto`)],
        [`${folder}/src/${file}.ts`, fill(`${form}.ts`)],
        [`${folder}/test/${file}.test.ts`, fill(`${form}-test.ts`)],
      ];
  const taken = added.map(([one]) => one).find((one) => filesAt(root, one).length > 0);
  if (taken !== undefined)
    throw new Refusal(`the ${kind} ${name} exists already`, { place: { file: taken }, remedy: 'choose another name' });
  const [app, json, tsconfig] = [`${folder}/src/app.ts`, `${folder}/package.json`, `${folder}/tsconfig.json`];
  const text = readText(root, app);
  const [, adapter] = /from '\.\/adapters\/(database|resources)\.js'/.exec(text) ?? [];
  if (adapter !== undefined)
    throw new Refusal(`opens its database by src/adapters/${adapter}.ts, as an app of 0.2 does`, {
      place: { file: app },
      remedy:
        'open it by openDatabase of @rondo/resources, as rondo new service --with-database writes it, put it into parts, and run this again',
    });
  const used = kind === 'job' || kind === 'workflow' ? 'jobs' : 'topics';
  const wanted = {
    contracts: isTopic ? [] : [proto],
    dependencies: { [`@rondo/${used}`]: packages.versionOf(used) },
  };
  const references = packages.compiles(used) ? `{ "path": "../../packages/${used}" }` : '';
  const definition = isTopic ? `${publisher?.name}Definition` : `${type}ServiceDefinition`;
  const files: Files = new Map([
    ...added,
    [json, withManifest(readText(root, json), wanted)],
    [tsconfig, withReferences(readText(root, tsconfig), references)],
  ]);
  return { files, lines: pasted(kind, { ...view, definition }, text), publisher };
}

/** The part of each kind: the function that creates it, its package, the constant, and the list with what it runs. */
const PARTS = {
  job: ['createJobs', '@rondo/jobs', 'jobs', 'services'],
  workflow: ['createJobs', '@rondo/jobs', 'jobs', 'services'],
  topic: ['createTopics', '@rondo/topics', 'topics', 'topics'],
  subscription: ['createSubscriber', '@rondo/topics', 'subscriber', 'services'],
} as const;

/** The lines that `app` lacks, each with its place. The definition is that of the service, or of the one that publishes the topic. */
function pasted(
  kind: NewBackgroundOptions['kind'],
  view: Readonly<Record<'type' | 'value' | 'file' | 'module' | 'definition', string>>,
  app: string,
): readonly string[] {
  const { type, value, file, module, definition } = view;
  const [create, from, part, list] = PARTS[kind];
  const isTopic = kind === 'topic';
  const item = isTopic ? type : definition;
  const isWorkflow = kind === 'workflow';
  const own = `services: [${definition}]${isWorkflow ? `, workflows: [${value}]` : ''}`;
  const options = isTopic ? `topics: [${type}], ${own}` : own;
  const handlers = isWorkflow ? `{ ${value}: jobs.runs.handler(${value}) }` : `${value}({ database })`;
  return [
    `import { ${item} } from '${module}';`,
    ...(isTopic ? [] : [`import { ${value} } from './${file}.js';`]),
    ...(app.includes(`${create}(`)
      ? [
          `${item}, // in the ${list} of ${create}`,
          ...(isWorkflow ? [`${value}, // in the workflows of ${create}`] : []),
        ]
      : [
          `import { ${create} } from '${from}';`,
          `const ${part} = ${create}({ database, ${options} }); // after the database`,
          `${part}, // in the parts that createApp returns, after the database`,
        ]),
    ...(isTopic ? [] : [`implement(${definition}, ${handlers}), // in the services that it returns`]),
  ];
}

/** A topic that is stored, with the service that publishes it and the seconds for which its events are kept. */
function topicOf(root: string, name: string) {
  const registry = builtContracts(root);
  const topics = topicsOf(registry).flatMap(({ desc, topic }) =>
    topic.retention ? [{ desc, topic, retention: Number(topic.retention.seconds) }] : [],
  );
  const found = topics.find(({ desc }) => desc.typeName === name);
  const file = found && registry.getService(found.topic.service)?.file.proto.name;
  const publisher = readManifests(ownServices(root), root).find(({ contracts }) =>
    contracts.some((one) => one === file),
  );
  if (found !== undefined && publisher !== undefined) return { ...found, publisher: publisher.service };
  const names = topics
    .map(({ desc }) => desc.typeName)
    .filter((one) => !one.startsWith('rondo.'))
    .join(', ');
  throw new Refusal(`no service here publishes a stored topic ${name}`, {
    remedy: `${names === '' ? '' : `name one of ${names}, or `}make it: rondo new topic NAME`,
  });
}
