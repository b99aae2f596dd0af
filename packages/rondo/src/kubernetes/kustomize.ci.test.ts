/** What kustomize makes of the manifests when an overlay changes the names of their objects. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { root } from '../workspace/paths.js';

const isMissing = spawnSync('kubectl', ['kustomize', '--help']).error !== undefined;
if (isMissing) process.stdout.write('NOT TESTED: kubectl is not installed\n');

/** The objects of an overlay with components, in another namespace and with a prefix. */
function built(overlay: string, components: readonly string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-kustomize-'));
  try {
    cpSync(path.join(root, 'infra/kubernetes'), folder, { recursive: true });
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: 'shop',
      namePrefix: 'blue-',
      resources: [`../${overlay}`],
      components: components.map((name) => `../../components/${name}`),
    };
    const blue = path.join(folder, 'overlays/blue');
    mkdirSync(blue);
    writeFileSync(path.join(blue, 'kustomization.yaml'), JSON.stringify(kustomization));
    const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', blue], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return parseAllDocuments(stdout).map((one) => one.toJS());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

(isMissing ? it.skip : it)('a prefix and a namespace are followed by all that names an object', () => {
  const objects = built('production', ['registry', 'http-route', 'egress', 'migrations']);
  const named = (kind: string) => objects.filter((one) => one.kind === kind);
  for (const { kind, metadata } of objects.filter((one) => one.kind !== 'Namespace'))
    expect([kind, metadata.name, metadata.namespace]).toEqual([kind, expect.stringMatching(/^blue-/), 'shop']);
  expect(named('Namespace')[0].metadata.name).toBe('shop');
  const deployments = named('Deployment');
  expect(deployments.length).toBeGreaterThan(3);
  for (const { spec } of deployments) {
    const [{ env }] = spec.template.spec.containers;
    expect(env).toContainEqual({ name: 'REGISTRY_NAME', value: 'blue-registry' });
    expect(env).toContainEqual({ name: 'RONDO_REGISTRY', value: '$(REGISTRY_NAME):50050' });
  }
  const [route] = named('HTTPRoute');
  expect(route.spec.rules[0].backendRefs).toEqual([{ name: 'blue-gateway', port: 8080 }]);
  expect(JSON.stringify(objects)).not.toMatch(/"registry:50050"/);
});
