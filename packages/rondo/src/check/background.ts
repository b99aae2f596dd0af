/** Checks that services declare the jobs, workflows, subscriptions and topics of their contracts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { checkTopics } from '../generate/check-topics.js';
import { methodPolicy, topicOption } from '../generate/options.js';
import { builtContracts } from '../workspace/contracts.js';
import { filesBelow } from '../workspace/files.js';
import { ownServices, readManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';

export async function backgroundDeclared(): Promise<StepResult> {
  const registry = builtContracts(root);
  const faults = readManifests(ownServices(root), root).flatMap(({ service, contracts }) => {
    const folder = path.join(root, 'services', service, 'src');
    const sources = filesBelow(folder).filter((file) => /(?<!\.test)\.ts$/.test(file));
    const texts = sources.map((file) => readFileSync(path.join(folder, file), 'utf8'));
    return undeclared(registry, contracts, texts).map((fault) => `services/${service}/src/app.ts: ${fault}`);
  });
  // A service may have gone since its topics were checked.
  const all = [...checkTopics({ registry, files: [...registry.files] }), ...faults];
  return { code: all.length, output: all.join('\n') };
}

/** What no source of a service with these contracts declares, each with the remedy. */
export function undeclared(
  registry: FileRegistry,
  contracts: readonly string[],
  sources: readonly string[],
): readonly string[] {
  const policy = methodPolicy(registry);
  const code = sources.map((text) => text.replace(/^import [^;]*;|\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/gm, '')).join('\n');
  // As an item of a list: `implement(Definition, …)` serves a contract, and declares no job of it.
  const lists = (name: string) => new RegExp(`[[,]\\s*${name}\\s*[,\\]]`).test(code);
  const services = contracts.flatMap((file) => registry.getFile(file)?.services ?? []);
  const kindIn = ({ methods }: DescService) => {
    const policies = methods.map((method) => policy.of(method));
    if (policies.some((one) => one?.workflow)) return 'workflows';
    if (policies.some((one) => one?.job)) return 'jobs';
    return policies.some((one) => one?.subscription) ? 'subscriptions' : undefined;
  };
  const stored = services.flatMap((one) => {
    const [kind, name] = [kindIn(one), `${one.name}Definition`];
    return kind === undefined || lists(name)
      ? []
      : [
          `${one.typeName} has ${kind} that nothing runs: add ${name} to the services of ${kind === 'subscriptions' ? 'createSubscriber' : 'createJobs'}`,
        ];
  });
  const published = topicsOf(registry).flatMap(({ desc, topic }) => {
    if (lists(desc.name) || !services.some(({ typeName }) => typeName === topic.service)) return [];
    return [`nothing publishes ${desc.typeName}: add ${desc.name} to the topics of createTopics`];
  });
  return [...stored, ...published];
}

export function topicsOf(registry: FileRegistry) {
  const option = topicOption(registry);
  return [...registry].flatMap((desc) => {
    const topic = desc.kind === 'message' ? option.of(desc) : undefined;
    return desc.kind === 'message' && topic ? [{ desc, topic }] : [];
  });
}
