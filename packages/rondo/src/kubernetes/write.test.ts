import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { root as repository } from '../workspace/paths.js';
import { withDecision } from './files.js';
import { followServices, writeManifests } from './write.js';

const BASE = 'infra/kubernetes/base';
const OVERLAYS = 'infra/kubernetes/overlays';
const NO_ISSUER = expect.stringMatching(
  `^${OVERLAYS}/production/.* has no issuer of tokens in RONDO_AUTH_ISSUER: fill it in`,
);
const OPEN = expect.stringMatching(
  `^${OVERLAYS}/development/.* has RONDO_AUTH=off: every caller may call \\d+ methods of .*sales.v1`,
);
let root: string;

const file = (name: string) => path.join(root, name);
const text = (name: string) => readFileSync(file(name), 'utf8');
const objectsOf = (name: string) => parseAllDocuments(text(name)).map((one) => one.toJS());

/** What a pod doesn't start without. */
const PLUGINS = { '@rondo/authentication': '1.0.0', '@rondo/registry-kubernetes': '1.0.0' };

/** A service with the contracts of one of the repository. */
function addService(name: string, manifest: object, dependencies: object = PLUGINS): void {
  mkdirSync(file(`services/${name}`), { recursive: true });
  writeFileSync(file(`services/${name}/package.json`), JSON.stringify({ rondo: manifest, dependencies }));
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'rondo-manifests-'));
  writeFileSync(file('package.json'), '{"name": "shop"}');
  writeFileSync(file('docker-compose.yml'), 'services: { calculator: { image: shop-calculator } }\n');
  mkdirSync(file('packages/contracts'), { recursive: true });
  cpSync(path.join(repository, 'packages/contracts/descriptors.binpb'), file('packages/contracts/descriptors.binpb'));
  addService('calculator', { port: 50051, instances: 3, contracts: ['calculator/v1/calculator.proto'] });
});

afterEach(() => rmSync(root, { recursive: true }));

describe('the manifests of a workspace', () => {
  it('have a Service whose labels say what its pods serve, and pods with the image, the port and the rights of a service', () => {
    writeManifests(root);
    const objects = objectsOf(`${BASE}/calculator.yaml`);
    const [, service, deployment, , autoscaler] = objects;
    expect(service.metadata.labels).toMatchObject({
      'rondo/instances': 'frames',
      'serves.rondo/calculator.v1.CalculatorService': '',
    });
    const [container] = deployment.spec.template.spec.containers;
    expect(container).toMatchObject({ image: 'shop-calculator', readinessProbe: { grpc: { port: 50051 } } });
    expect(container.env).toContainEqual({ name: 'RONDO_LISTEN', value: '0.0.0.0:50051' });
    expect(autoscaler.spec.minReplicas).toBe(3);
    expect(objectsOf(`${BASE}/discovery.yaml`)[1].subjects).toEqual([{ kind: 'ServiceAccount', name: 'calculator' }]);
  });

  it('belong to the app, as its namespace and the label of its objects say', () => {
    writeFileSync(file('package.json'), '{"name": "@acme/Web_shop"}');
    writeManifests(root);
    const partOf = { 'app.kubernetes.io/part-of': 'acme-web-shop' };
    for (const { metadata } of objectsOf(`${BASE}/calculator.yaml`)) expect(metadata.labels).toMatchObject(partOf);
    for (const overlay of ['development', 'production']) {
      expect(objectsOf(`${OVERLAYS}/${overlay}/namespace.yaml`)[0].metadata.name).toBe('acme-web-shop');
      expect(objectsOf(`${OVERLAYS}/${overlay}/kustomization.yaml`)[0].namespace).toBe('acme-web-shop');
    }
    const written = readdirSync(file('infra'), { recursive: true, encoding: 'utf8' }).filter((one) =>
      /yaml$/.test(one),
    );
    expect(written.filter((one) => /part-of[:=] ?rondo|-n rondo/.test(text(`infra/${one}`)))).toEqual([]);
  });

  it.each([
    ['2026', 'app-2026'],
    ['on', 'app-on'],
    ['1e3', 'app-1e3'],
    ['@/', 'rondo'],
  ])('belong to the app %s by a name that YAML takes for text', (name, namespace) => {
    writeFileSync(file('package.json'), JSON.stringify({ name }));
    writeManifests(root);
    expect(objectsOf(`${OVERLAYS}/production/kustomization.yaml`)[0].namespace).toBe(namespace);
  });

  it.each([
    ['a'.repeat(54), /has a name of 54 characters: give it at most 53/],
    ['off', /the service off has a name that YAML takes for a value/],
  ])('are refused for a service whose name Kubernetes or YAML cannot have: %s', (name, why) => {
    addService(name, { port: 50061, contracts: ['calculator/v1/calculator.proto'] });
    expect(() => writeManifests(root)).toThrow(why);
  });

  it('are refused for a gRPC service whose name is longer than a label', () => {
    const descriptors = file('packages/contracts/descriptors.binpb');
    const set = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors));
    for (const { name, service } of set.file)
      if (name === 'calculator/v1/calculator.proto') for (const one of service) one.name = 'A'.repeat(60);
    writeFileSync(descriptors, toBinary(FileDescriptorSetSchema, set));
    expect(() => writeManifests(root)).toThrow(
      /^calculator\.v1\.A+ of the service calculator has 74 characters, and a label of Kubernetes at most 63/,
    );
  });

  it('give pods no other group and no endless disk, and open their metrics for monitoring alone', () => {
    writeManifests(root);
    const [, , { spec }, , , policy] = objectsOf(`${BASE}/calculator.yaml`);
    expect(spec.template.spec.securityContext).toMatchObject({ runAsUser: 1000, runAsGroup: 1000 });
    expect(spec.template.spec.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }]);
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } };
    expect(policy.spec.ingress.at(-1)).toEqual({ from: [{ namespaceSelector }], ports: [{ port: 9464 }] });
  });

  it('let only those call whom the rules of all methods name', () => {
    addService('vault', { port: 50060, contracts: ['rondo/conformance/auth/v1/secured.proto'] });
    writeManifests(root);
    const callersOf = (service: string) => objectsOf(`${BASE}/${service}.yaml`).at(-1).spec.ingress[0].from;
    const pods = (labels: object) => [{ podSelector: { matchLabels: labels } }];
    expect(callersOf('vault')).toEqual(pods({ 'app.kubernetes.io/part-of': 'shop' }));
    const file = path.join(root, 'packages/contracts/descriptors.binpb');
    const set = fromBinary(FileDescriptorSetSchema, readFileSync(file));
    for (const service of set.file.flatMap((one) => (one.name.endsWith('secured.proto') ? one.service : []))) {
      service.method = service.method.filter(({ name }) => ['Pass', 'Write'].includes(name));
    }
    writeFileSync(file, toBinary(FileDescriptorSetSchema, set));
    writeManifests(root);
    expect(callersOf('vault')).toEqual(pods({ 'app.kubernetes.io/name': 'front' }));
  });

  it('change nothing the second time', () => {
    expect(writeManifests(root).added).toContain(`${BASE}/calculator.yaml`);
    expect(writeManifests(root)).toEqual({ added: [], changed: [], removed: [], lacking: [NO_ISSUER], open: [OPEN] });
  });

  it('have callers checked in production, over TLS and with an issuer to fill in, and say where they are not', () => {
    writeManifests(root);
    const [development, production] = ['development', 'production'].map(
      (name) => `${OVERLAYS}/${name}/kustomization.yaml`,
    );
    const [inDevelopment, inProduction] = [development, production].map((name) => objectsOf(`${name}`)[0]);
    expect(inDevelopment.configMapGenerator[0].literals).toEqual(['RONDO_INSECURE=1', 'RONDO_AUTH=off']);
    expect(inProduction.components).toEqual(['../../components/tls-cert-manager']);
    const literals: readonly string[] = inProduction.configMapGenerator[0].literals;
    expect(literals).toContain('RONDO_AUTH=on');
    expect(literals).toContainEqual(expect.stringMatching(/^RONDO_AUTH_ISSUER=.* /)); // a name of an issuer has no space
    expect(objectsOf(`${BASE}/kustomization.yaml`)[0].configMapGenerator[0].literals).not.toContain('RONDO_INSECURE=1');
    const old = text(`${development}`)
      .replace(/ +(?:#.*|- RONDO_INSECURE.*|- RONDO_AUTH.*)\n/g, '')
      .replace('literals:\n', 'literals:\n      - RONDO_ZONE=a\n');
    writeFileSync(file(`${development}`), old);
    expect(writeManifests(root)).toMatchObject({
      lacking: [expect.stringMatching(`^${development} has no RONDO_AUTH in rondo-settings: add it`), NO_ISSUER],
      open: [],
    });
    const upgraded = withDecision(old);
    expect(parse(upgraded).configMapGenerator[0].literals).toEqual([
      'RONDO_AUTH=off',
      'RONDO_INSECURE=1',
      'RONDO_ZONE=a',
    ]);
    expect(withDecision(upgraded)).toBe(upgraded);
  });

  it('follow a service that comes, and one that goes; overlays stay as they are', () => {
    writeManifests(root);
    const overlay = 'infra/kubernetes/overlays/production/kustomization.yaml';
    writeFileSync(file(overlay), '# mine\n');
    addService('greeter', { port: 50060, database: 'greeter', contracts: ['calculator/calculator.proto'] });
    rmSync(file('services/calculator'), { recursive: true });
    const written = writeManifests(root);
    const inBase = (files: readonly string[]) => files.filter((one) => one.startsWith(BASE));
    expect(inBase(written.added)).toEqual([`${BASE}/greeter.yaml`]);
    expect(inBase(written.changed)).toEqual([`${BASE}/discovery.yaml`, `${BASE}/kustomization.yaml`]);
    expect(written.removed).toEqual([`${BASE}/calculator.yaml`]);
    expect(text(overlay)).toBe('# mine\n');
    const folder = 'infra/kubernetes/overlays';
    expect(written.lacking).toEqual([
      expect.stringMatching(`^${folder}/production/kustomization.yaml has no \\S*greeter in images: add it`),
      expect.stringMatching(
        `^${folder}/development/kustomization.yaml has no greeter-database in secretGenerator: add it`,
      ),
      expect.stringMatching(`^${folder}/production/kustomization.yaml has no RONDO_AUTH in rondo-settings: add it`),
    ]);
    expect(text(`${BASE}/greeter.yaml`)).toContain('name: greeter-database');
  });

  it('say which services lack a plugin without which their pods do not start', () => {
    addService('greeter', { port: 50060, contracts: ['calculator/calculator.proto'] }, {});
    expect(writeManifests(root).lacking.filter((line) => line.startsWith('services/'))).toEqual([
      'services/greeter/package.json has no @rondo/registry-kubernetes, which RONDO_REGISTRY=kubernetes:// needs: rondo add registry-kubernetes --service greeter',
      'services/greeter/package.json has no @rondo/authentication, which RONDO_AUTH_ISSUER of the overlays needs: rondo add authentication --service greeter',
    ]);
  });

  it('have components, which follow too, next to those of someone else', () => {
    const jobs = 'infra/kubernetes/components/migrations/objects.yaml';
    addService('greeter', { port: 50060, database: 'greeter', contracts: ['calculator/calculator.proto'] });
    writeManifests(root);
    const [job] = objectsOf(jobs);
    expect(job).toMatchObject({ kind: 'Job', metadata: { labels: { 'rondo/step': 'migration' } } });
    // Nothing calls its process, with Rondo's registry neither.
    expect(job.spec.template.metadata.labels['app.kubernetes.io/name']).not.toBe('greeter');
    expect(job.spec.template.spec.containers[0].env).toContainEqual({ name: 'RONDO_REGISTRY', value: 'kubernetes://' });
    const mine = 'infra/kubernetes/components/mine/kustomization.yaml';
    mkdirSync(path.dirname(file(mine)));
    writeFileSync(file(mine), 'kind: Component\n');
    rmSync(file('services/greeter'), { recursive: true });
    expect(writeManifests(root).removed).toContain(jobs);
    expect(text(mine)).toBe('kind: Component\n');
  });

  it('replace no file that someone else wrote', () => {
    writeManifests(root);
    writeFileSync(file(`${BASE}/calculator.yaml`), 'kind: Secret\n');
    expect(() => writeManifests(root)).toThrow(
      `${BASE}/calculator.yaml wasn't written by rondo kubernetes; move what it has to an overlay, and delete it`,
    );
    expect(text(`${BASE}/calculator.yaml`)).toBe('kind: Secret\n');
  });

  it('are written by rondo new and rondo remove only if there are some', () => {
    followServices(root);
    expect(readdirSync(root)).not.toContain('infra');
  });

  it('of this repository are as its services are', () => {
    cpSync(path.join(repository, 'services'), file('services'), {
      recursive: true,
      filter: (from) => !/\/(?:node_modules|src|test|dist|page)$/.test(from),
    });
    for (const name of ['docker-compose.yml', 'package.json']) cpSync(path.join(repository, name), file(name));
    cpSync(path.join(repository, 'infra/kubernetes'), file('infra/kubernetes'), { recursive: true });
    expect(writeManifests(root)).toEqual({ added: [], changed: [], removed: [], lacking: [NO_ISSUER], open: [OPEN] });
  });
});
