import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Exposure } from '@rondo/contracts/rondo/options/v1/options';
import { createChannel, fixedEndpoint } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

import type { PublicMethod } from '../src/discovery/catalogue.js';
import type { CatalogueOptions, LiveCatalogue } from '../src/discovery/create-catalogue.js';
import { registeredInstances, type ServiceInstance, staticInstances } from '../src/discovery/instances.js';
import { contractFile } from './support/contracts.js';
import { connect, instanceWith, listen, startCatalogue, until } from './support/fleet.js';
import { cleanUp, closeAll } from './support/listening.js';

const BOOKS = 'books.v1.BooksService';
const PATH = `/${BOOKS}/Get`;

const set = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url)),
);

afterEach(closeAll);

function found(catalogue: LiveCatalogue, path: string): PublicMethod {
  const method = catalogue.method(path);
  if (method === 'unknown' || 'reason' in method) throw new Error(`${path}: ${JSON.stringify(method)}`);
  return method;
}

const endpoint = (instanceId: string, incarnation = 1) => fixedEndpoint('127.0.0.1:1', { instanceId, incarnation });
const fieldsAt = (method: PublicMethod, instanceId: string, incarnation?: number) =>
  method.descAt(endpoint(instanceId, incarnation))?.input.fields.map(({ name }) => name);

describe('a service that registers', () => {
  it('is offered with its methods, types, options and routes, and is followed', async () => {
    const followed: unknown[] = [];
    const follow: CatalogueOptions['follow'] = (service, { balancing }) => {
      followed.push([service, balancing.subsetSize]);
    };
    const { fleet, catalogue } = startCatalogue({ follow });
    const methods = { Get: '/v1/{name=books/*}' };
    const file = contractFile({ service: BOOKS, methods, int64AsNumber: true, subsetSize: 3 });
    expect(catalogue.method(PATH)).toBe('unknown');
    const before = catalogue.revision;
    const at = await instanceWith(file);
    fleet.add({ instanceId: 'a', address: at, services: [BOOKS] });
    expect(catalogue.method(PATH)).toEqual({ service: BOOKS, reason: 'CONTRACT_PENDING' });
    expect(catalogue.settled).toBe(false);
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.started).toBe(true);
    expect(catalogue.revision).toBeGreaterThan(before);
    const method = found(catalogue, PATH);
    expect(method).toMatchObject({ method: { path: PATH, requestStream: false }, int64AsNumber: true });
    expect(method.desc.input.typeName).toBe('books.v1.Message');
    expect(method.types.getMessage('books.v1.Message')).toBe(method.desc.input);
    expect(method.descAt(undefined)).toBe(method.desc);
    expect(method.descAt(endpoint('a'))).toBe(method.desc);
    expect(catalogue.services).toMatchObject([{ name: BOOKS, instances: 1 }]);
    expect([method.desc.name, at].map((text) => catalogue.isAddress(text))).toEqual([false, true]);
    expect(catalogue.route('GET', '/v1/books/moby')).toMatchObject({ target: method });
    expect(catalogue.route('POST', '/v1/books/moby')).toMatchObject({ allow: ['GET', 'HEAD'] });
    expect(catalogue.route('GET', '/v2/books/moby')).toBeUndefined();
    expect(catalogue.method(`/${BOOKS}/Put`)).toBe('unknown');
    expect(followed).toEqual([[BOOKS, 3]]);
  });

  it('brings the types of the standard error details, if its server has them', async () => {
    const { fleet, catalogue } = startCatalogue();
    const imports = ['google/protobuf/duration.proto', 'google/rpc/error_details.proto'].map((name) => {
      const file = set.file.find((one) => one.name === name);
      if (file === undefined) throw new Error(`${name} is missing`);
      return file;
    });
    const file = contractFile({ service: BOOKS, imported: 'google/protobuf/duration.proto' });
    fleet.add({ instanceId: 'a', address: await instanceWith(...imports, file), services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(found(catalogue, PATH).types.getMessage('google.rpc.BadRequest')).toBeDefined();
    expect(catalogue.contracts()[0]?.files.map(({ proto }) => proto.name)).toEqual([imports[0]?.name, file.name]);
  });

  it('is learned from a fixed list of instances, without a registry', async () => {
    const at = await instanceWith(contractFile({ service: BOOKS }));
    const instance = { instanceId: at, incarnation: 0, address: at, services: [BOOKS], fingerprints: {} };
    const { catalogue } = startCatalogue({ instances: staticInstances([instance]) });
    await until(catalogue, () => catalogue.settled);
    expect(found(catalogue, PATH).descAt(fixedEndpoint(at))).toBeDefined();
  });

  it('is learned from the endpoints of a channel', async () => {
    const at = await instanceWith(contractFile({ service: BOOKS }));
    const endpoints = [fixedEndpoint(at, { services: [BOOKS], incarnation: 7 })];
    const channel = createChannel({
      resolver: {
        source: 'this test',
        resolve(_service, listener) {
          listener.onResolution({ endpoints, departed: [] });
          return { close() {} };
        },
        close() {},
      },
    });
    cleanUp(() => channel.close());
    const { catalogue } = startCatalogue({ instances: registeredInstances(channel) });
    await until(catalogue, () => catalogue.settled);
    expect(fieldsAt(found(catalogue, PATH), at, 7)).toEqual(['name']);
  });

  it('is asked again, with a wait between, until it answers', async () => {
    const { fleet, catalogue, clock } = startCatalogue();
    const first = await listen([]);
    await first.drain(0);
    fleet.add({ instanceId: 'a', address: first.address, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.method(PATH)).toMatchObject({ service: BOOKS });
    const server = await listen([contractFile({ service: BOOKS })], first.address);
    cleanUp(() => server.drain(0));
    await clock.advance(200);
    await until(catalogue, () => catalogue.services.length === 1);
    expect(found(catalogue, PATH).desc.name).toBe('Get');
  });

  it('is asked again if it had too many calls', async () => {
    const { fleet, catalogue, clock } = startCatalogue();
    let isBusy = true;
    const server = await listen([contractFile({ service: BOOKS })], undefined, [
      (call, next) => {
        if (isBusy) throw new RpcError(Status.RESOURCE_EXHAUSTED, 'too many calls');
        return next(call);
      },
    ]);
    cleanUp(() => server.drain(0));
    fleet.add({ instanceId: 'a', address: server.address, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.method(PATH)).toEqual({ service: BOOKS, reason: 'CONTRACT_PENDING' });
    isBusy = false;
    await clock.advance(200);
    await until(catalogue, () => catalogue.services.length === 1);
  });

  it("is asked at once when it serves, if it was starting and didn't listen", async () => {
    const { fleet, catalogue } = startCatalogue();
    const first = await listen([]);
    await first.drain(0);
    const instance = { instanceId: 'a', address: first.address, services: [BOOKS] };
    fleet.add({ ...instance, state: 'starting' });
    await until(catalogue, () => catalogue.settled);
    const server = await listen([contractFile({ service: BOOKS })], first.address);
    cleanUp(() => server.drain(0));
    fleet.add({ ...instance, state: 'serving' });
    await until(catalogue, () => catalogue.services.length === 1);
    expect(found(catalogue, PATH).desc.name).toBe('Get');
  });

  it('is asked next to at most 7 others', async () => {
    let open = 0;
    let most = 0;
    const counting = (instance: ServiceInstance) => {
      const channel = connect(instance.address);
      most = Math.max(most, ++open);
      const close = () => {
        open -= 1;
        channel.close();
      };
      return { ...channel, close };
    };
    const { fleet, catalogue } = startCatalogue({ connect: counting });
    const at = await instanceWith(contractFile({ service: BOOKS }));
    for (let index = 0; index < 12; index += 1) fleet.add({ instanceId: `a${index}`, address: at, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect({ most, open }).toEqual({ most: 8, open: 0 });
    expect(catalogue.services).toMatchObject([{ instances: 12 }]);
    expect(catalogue.contracts()).toHaveLength(1);
  });
});

describe('two versions side by side', () => {
  const one = contractFile({ service: BOOKS, methods: { Get: '/v1/books', Old: undefined }, fields: ['name'] });
  const two = contractFile({
    service: BOOKS,
    methods: { Get: '/v2/books', New: '/v2/new' },
    fields: ['name', 'shelf'],
  });

  async function startBoth() {
    const started = startCatalogue();
    const { fleet, catalogue } = started;
    const [old, young] = [await instanceWith(one), await instanceWith(two)];
    const fingerprints = (value: string) => ({ fingerprints: { [BOOKS]: value } });
    fleet.add({ instanceId: 'old-1', address: old, services: [BOOKS], ...fingerprints('f1') });
    fleet.add({ instanceId: 'old-2', address: old, services: [BOOKS], ...fingerprints('f1') });
    fleet.add({ instanceId: 'new-1', address: young, services: [BOOKS], ...fingerprints('f2') });
    await until(catalogue, () => catalogue.settled);
    return { ...started, young, fingerprints };
  }

  it('are both offered, and each instance has its own descriptor', async () => {
    const { catalogue, fleet, young } = await startBoth();
    const get = found(catalogue, PATH);
    expect(get.desc.input.fields).toHaveLength(1);
    expect(fieldsAt(get, 'old-1')).toEqual(['name']);
    expect(fieldsAt(get, 'new-1')).toEqual(['name', 'shelf']);
    expect(found(catalogue, `/${BOOKS}/Old`).descAt(endpoint('new-1'))).toBeUndefined();
    expect(found(catalogue, `/${BOOKS}/New`).descAt(endpoint('new-1'))).toBeDefined();
    for (const path of ['/v1/books', '/v2/books', '/v2/new'])
      expect(catalogue.route('GET', path)).toMatchObject({ target: { method: { service: BOOKS } } });
    for (const id of ['new-2', 'new-3']) fleet.add({ instanceId: id, address: young, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(found(catalogue, PATH).desc.input.fields).toHaveLength(2);
    fleet.remove('old-1');
    fleet.remove('old-2');
    expect(catalogue.method(`/${BOOKS}/Old`)).toBe('unknown');
    expect(catalogue.route('GET', '/v1/books')).toBeUndefined();
  });

  it('are awaited only while all instances are new, with another fingerprint', async () => {
    const { catalogue, fleet, young, fingerprints } = await startBoth();
    fleet.remove('old-1');
    fleet.remove('old-2');
    const again = (fingerprint: string) =>
      fleet.add({
        instanceId: 'new-1',
        incarnation: 2,
        address: young,
        services: [BOOKS],
        ...fingerprints(fingerprint),
      });
    again('f2');
    expect(catalogue.learning(BOOKS)).toBe(false);
    again('f3');
    expect([catalogue.learning(BOOKS), catalogue.learning()]).toEqual([true, true]);
    await until(catalogue, () => !catalogue.learning(BOOKS));
    expect(fieldsAt(found(catalogue, PATH), 'new-1', 2)).toEqual(['name', 'shelf']);
    fleet.remove('new-1');
    expect([catalogue.learning(BOOKS), catalogue.learning()]).toEqual([false, false]);
  });

  it('include one that is not learned yet only if its fingerprint is known', async () => {
    const { catalogue, fleet, fingerprints } = await startBoth();
    const silent = '127.0.0.1:1';
    fleet.add({ instanceId: 'new-2', address: silent, services: [BOOKS], ...fingerprints('f2') });
    fleet.add({ instanceId: 'other', address: silent, services: [BOOKS], ...fingerprints('f3') });
    const get = found(catalogue, PATH);
    expect(fieldsAt(get, 'new-2')).toEqual(['name', 'shelf']);
    expect(fieldsAt(get, 'other')).toBeUndefined();
    expect(fieldsAt(get, 'stranger')).toBeUndefined();
    // A process that restarted under its name may have another contract.
    expect(fieldsAt(get, 'old-1', 2)).toBeUndefined();
  });

  it('are at most 16; another one is learned once there is room', async () => {
    const { fleet, catalogue, clock } = startCatalogue();
    for (let index = 1; index <= 17; index += 1) {
      const file = contractFile({ service: BOOKS, fields: Array.from({ length: index }, (_, field) => `f${field}`) });
      fleet.add({ instanceId: `v${index}`, address: await instanceWith(file), services: [BOOKS] });
      await until(catalogue, () => catalogue.settled);
    }
    expect(catalogue.contracts()).toHaveLength(16);
    expect(fieldsAt(found(catalogue, PATH), 'v16')).toHaveLength(16);
    expect(fieldsAt(found(catalogue, PATH), 'v17')).toBeUndefined();
    fleet.remove('v3');
    await clock.advance(200);
    await until(catalogue, () => catalogue.contracts().length === 16);
    expect(fieldsAt(found(catalogue, PATH), 'v17')).toHaveLength(17);
  });
});

describe('a service whose last instance left', () => {
  it('is absent with the reason, keeps its routes, and comes back', async () => {
    const { fleet, catalogue } = startCatalogue();
    const at = await instanceWith(contractFile({ service: BOOKS, methods: { Get: '/v1/books' } }));
    fleet.add({ instanceId: 'a', address: at, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    fleet.remove('a');
    expect(catalogue.method(PATH)).toEqual({ service: BOOKS, reason: 'NONE_RUNNING' });
    expect(catalogue.method(`/${BOOKS}/Put`)).toBe('unknown');
    expect(catalogue.route('GET', '/v1/books')).toMatchObject({ target: { method: { path: PATH } } });
    expect(catalogue.services).toMatchObject([{ name: BOOKS, instances: 0 }]);
    expect(catalogue.contracts()).toEqual([]);
    fleet.add({ instanceId: 'a', incarnation: 2, address: at, services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(fieldsAt(found(catalogue, PATH), 'a', 2)).toEqual(['name']);
  });
});

describe('what is not offered', () => {
  it('is a service without reflection or with a broken contract, which is logged once; others of the instance are', async () => {
    const { fleet, catalogue, log } = startCatalogue();
    const broken = contractFile({ service: 'broken.v1.Broken', imported: 'nowhere.proto' });
    const at = await instanceWith(contractFile({ service: BOOKS }), broken);
    const services = [BOOKS, 'broken.v1.Broken'];
    for (const instanceId of ['a', 'b']) fleet.add({ instanceId, address: at, services });
    fleet.add({ instanceId: 'c', address: await instanceWith(), services: ['silent.v1.Silent'] });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services.map(({ name }) => name)).toEqual([BOOKS]);
    for (const service of ['broken.v1.Broken', 'silent.v1.Silent'])
      expect(catalogue.method(`/${service}/Get`)).toEqual({ service, reason: 'CONTRACT_REFUSED' });
    expect(log.warnings.sort()).toEqual([
      "the gateway can't learn the contract of broken.v1.Broken",
      "the gateway can't learn the contract of silent.v1.Silent",
    ]);
  });

  it('is an internal service, and one of Rondo or gRPC whatever its contract says', async () => {
    const followed: string[] = [];
    const { fleet, catalogue } = startCatalogue({ follow: (service) => followed.push(service) });
    const internal = contractFile({
      service: 'a.v1.Internal',
      methods: { Get: '/v1/internal' },
      exposure: Exposure.EXPOSURE_INTERNAL,
    });
    const later = contractFile({ service: 'a.v2.Later', exposure: 9 as Exposure });
    const reserved = ['rondo.x.v1.X', 'grpc.health.v1.X', 'xds.service.orca.v3.X'].map((service) =>
      contractFile({ service, methods: { Get: '/v1/x' }, exposure: Exposure.EXPOSURE_PUBLIC }),
    );
    const open = contractFile({ service: BOOKS, exposure: Exposure.EXPOSURE_PUBLIC });
    const names = reserved.map(({ service, package: scope }) => `${scope}.${service[0]?.name}`);
    const services = ['a.v1.Internal', 'a.v2.Later', ...names, BOOKS];
    const at = await instanceWith(internal, later, open, ...reserved);
    fleet.add({ instanceId: 'a', address: at, services });
    // They aren't even asked for.
    for (const name of names) expect(catalogue.method(`/${name}/Get`)).toBe('unknown');
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services.map(({ name }) => name)).toEqual([BOOKS]);
    expect(catalogue.contracts().map(({ service }) => service)).toEqual([BOOKS]);
    expect(
      services.map((service) => catalogue.method(`/${service}/Get`)).filter((one) => one === 'unknown'),
    ).toHaveLength(5);
    expect(catalogue.route('GET', '/v1/internal')).toBeUndefined();
    expect(catalogue.route('GET', '/v1/x')).toBeUndefined();
    expect(followed).toEqual([BOOKS]);
  });

  it("is no user's contract that is named like gRPC or xDS", async () => {
    const { fleet, catalogue } = startCatalogue();
    const services = ['grpc.x.v1.X', 'xds.x.v1.X'];
    const at = await instanceWith(...services.map((service) => contractFile({ service })));
    fleet.add({ instanceId: 'a', address: at, services });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services.map(({ name }) => name)).toEqual(services);
  });

  it('is an internal method of a public service, nor one that a version keeps inside', async () => {
    const { fleet, catalogue } = startCatalogue();
    const methods = { Get: '/v1/books', Watch: '/v1/books:watch', List: '/v1/books:list' };
    const add = async (id: string, inside: readonly string[]) =>
      fleet.add({
        instanceId: id,
        address: await instanceWith(contractFile({ service: BOOKS, methods, inside })),
        services: [BOOKS],
      });
    const offered = () => catalogue.services.flatMap((service) => service.methods.map(({ method }) => method.name));
    await add('a', ['Watch']);
    await until(catalogue, () => catalogue.settled);
    expect(offered()).toEqual(['Get', 'List']);
    expect(catalogue.method(`/${BOOKS}/Watch`)).toBe('unknown');
    expect(catalogue.route('GET', '/v1/books:watch')).toBeUndefined();
    expect(catalogue.routes.map(({ binding }) => binding.template.text)).not.toContain('/v1/books:watch');
    await add('b', ['List']);
    await until(catalogue, () => catalogue.settled);
    expect(offered()).toEqual(['Get']);
    fleet.remove('b');
    expect(offered()).toEqual(['Get', 'List']);
  });

  it('is a service one of whose versions is internal', async () => {
    const { fleet, catalogue } = startCatalogue();
    const inside = contractFile({ service: BOOKS, exposure: Exposure.EXPOSURE_INTERNAL });
    fleet.add({ instanceId: 'a', address: await instanceWith(contractFile({ service: BOOKS })), services: [BOOKS] });
    fleet.add({ instanceId: 'b', address: await instanceWith(inside), services: [BOOKS] });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services).toEqual([]);
    fleet.remove('b');
    expect(catalogue.services).toMatchObject([{ name: BOOKS }]);
  });
});
