import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { root } from '../../test/scaffold/folder.js';
import { undeclared } from './background.js';

const descriptors = readFileSync(path.join(root, 'packages/contracts/descriptors.binpb'));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const found = (...sources: readonly string[]) =>
  undeclared(
    registry,
    ['topics', 'chores', 'workflows'].map((file) => `rondo/conformance/v1/${file}.proto`),
    sources,
  );

it('names what no list of the code has, and the list to add it to', () => {
  expect(found('const jobs = createJobs({ services: [ChoreServiceDefinition, WatcherServiceDefinition] });')).toEqual(
    expect.arrayContaining([
      'rondo.conformance.v1.SpectatorService has subscriptions that nothing runs: add SpectatorServiceDefinition to the services of createSubscriber',
      'rondo.conformance.v1.HiringService has workflows that nothing runs: add HiringServiceDefinition to the services of createJobs',
      'nothing publishes rondo.conformance.v1.Moved: add Moved to the topics of createTopics',
    ]),
  );
  const missing = (text: string) => found(text).some((fault) => fault.includes('ChoreService has jobs'));
  expect(missing('jobs({ services: [ChoreServiceDefinition] });')).toBe(false);
  expect(missing('jobs({ services: [\n  OtherDefinition,\n  ChoreServiceDefinition,\n] });')).toBe(false);
  expect(missing('jobs({ services: [\n  OtherDefinition, // first\n  ChoreServiceDefinition, // second\n] });')).toBe(
    false,
  );
  expect(missing('jobs({ services: [/* none */ ChoreServiceDefinition] });')).toBe(false);
  // Serving it, or importing it, declares no job.
  expect(missing('services: [implement(ChoreServiceDefinition, chores)]')).toBe(true);
  expect(missing("import { A, ChoreServiceDefinition, B } from './x.js';")).toBe(true);
});
