/** Checks the `google.api.http` rules in contracts with the code by which the gateway routes, and what the gateway offers. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { create, createFileRegistry, fromBinary, getOption, hasOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { buildSync } from 'esbuild';
import { dist, isInstalled, root } from '../workspace/paths.js';
import { PATH, told } from './told.mjs';

/** All contracts as they were when they were last generated. */
const generated = path.join(root, 'packages/contracts/descriptors.binpb');

/** Published, the code by which the gateway routes stands beside the programs. */
const PUBLISHED = pathToFileURL(path.join(dist, 'http-rules.mjs')).href;

const { checkRule, findConflicts } = await (isInstalled ? import(PUBLISHED) : load());

/** The code by which the gateway routes, as one module. */
export function httpRules() {
  const contents = "export { checkRule } from './rule-check.ts'; export { findConflicts } from './conflicts.ts';";
  const resolveDir = path.join(root, 'packages/schema/src/http');
  const options = { stdin: { contents, resolveDir }, bundle: true, write: false, format: 'esm' };
  return buildSync(options).outputFiles[0].contents;
}

/** From the sources, as this runs before any build. They import no packages. */
function load() {
  return import(`data:text/javascript;base64,${Buffer.from(httpRules()).toString('base64')}`);
}

/**
 * The faults in the HTTP rules of some files, each with file, line, reason and remedy. Conflicts are looked for among all
 * contracts: buf shows a plugin only those that are generated, and their imports.
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} protoFiles All files, each after its imports.
 * @param {readonly string[]} names The names of the files to check. Contracts of third parties, which aren't in `folder`, are left out.
 * @param {string} folder The folder of the contracts.
 * @returns {string[]}
 */
export function checkHttp(protoFiles, names, folder = 'proto') {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFiles }));
  const ours = names.filter((name) => existsSync(path.join(folder, name)));
  const asked = ours.map((name) => registry.getFile(name));
  const bound = asked.flatMap((file) => boundIn(file, registry));
  const known = new Set(protoFiles.map(({ name }) => name));
  return [
    ...asked.flatMap((file) => [...exposed(file, registry)]),
    ...bound.flatMap(({ faults, tell }) => faults.map((fault) => tell(fault))),
    ...(bound.length === 0 ? [] : conflicts(bound, others(known, folder))),
  ];
}

const OPTIONS = 'rondo/options/v1/options.proto';

/**
 * The rules of a file's methods, checked. Contracts that import nothing of Rondo come from elsewhere, and must be taken as
 * they are: the gateway leaves out the rules that it can't serve, and its log says why.
 */
function boundIn(file, registry) {
  const rule = registry.getExtension('google.api.http');
  if (rule === undefined || !file.proto.dependency.includes(OPTIONS)) return [];
  return file.services.flatMap((service, index) =>
    service.methods.flatMap((method, position) => {
      if (!hasOption(method, rule)) return [];
      const at = [PATH.service, index, PATH.method, position, PATH.methodOptions, rule.number];
      const tell = (reason) => told(file, at, `${service.name}.${method.name}: ${reason}`);
      const name = `${service.typeName}.${method.name}`;
      return [{ ...checkRule(method, plain(getOption(method, rule))), name, tell }];
    }),
  );
}

/** The rule as `checkRule` takes it. */
function plain({ pattern, body, responseBody, additionalBindings }) {
  return { pattern: patternOf(pattern), body, responseBody, additionalBindings: additionalBindings.map(plain) };
}

function patternOf({ case: verb, value }) {
  if (verb === undefined) return undefined;
  return verb === 'custom' ? { verb: value.kind, path: value.path } : { verb: verb.toUpperCase(), path: value };
}

/** The rules of the contracts that buf didn't show, of the tree's too: `rondo new service` generates elsewhere. Those whose files are gone don't count. */
function others(known, folder) {
  if (!existsSync(generated)) return [];
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(generated)));
  const files = [...registry.files].filter(
    ({ proto: { name } }) =>
      !known.has(name) && [folder, path.join(root, 'proto')].some((one) => existsSync(path.join(one, name))),
  );
  return files.flatMap((file) => boundIn(file, registry));
}

function conflicts(bound, other) {
  const bindings = [...other, ...bound].flatMap(({ bindings: own, name, tell }) =>
    own.map((binding) => ({ ...binding, name, tell })),
  );
  return findConflicts(bindings)
    .filter(({ second }) => bound.some(({ name }) => name === second.name))
    .map(({ first, second }) => {
      const taken = `${first.verb} ${first.template.text} of ${first.name}`;
      return second.tell(`${second.verb} ${second.template.text} takes the same paths as ${taken}; change one of them`);
    });
}

/** The services that the gateway would offer, although they are for the system's own processes. */
function* exposed(file, registry) {
  const option = registry.getExtension('rondo.options.v1.service');
  for (const [index, service] of file.services.entries()) {
    if (!service.typeName.startsWith('rondo.')) continue;
    const policy = option && hasOption(service, option) ? getOption(service, option) : undefined;
    const internal = option?.message.fields
      .find(({ name }) => name === 'exposure')
      ?.enum.values.find(({ name }) => name === 'EXPOSURE_INTERNAL').number;
    if (policy?.exposure === internal && internal !== undefined) continue;
    yield told(
      file,
      [PATH.service, index, PATH.serviceOptions, option?.number ?? 0],
      `${service.name}: a service under rondo. is for the system's own processes; set exposure: EXPOSURE_INTERNAL in (rondo.options.v1.service)`,
    );
  }
}
