/**
 * Software bills of materials (CycloneDX 1.6): which packages are in the bundles of an image, or come with a package, with versions and
 * licences. The base image isn't in them: its publisher describes it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec, Validation } from '@cyclonedx/cyclonedx-library';
import spdx from 'spdx-expression-parse';
import { root } from '../workspace/paths.js';

const licences = new Contrib.License.Factories.LicenseFactory(spdx);

/**
 * Writes the bill of an image, checked against the schema of CycloneDX.
 * @param {string} file
 * @param {{ name: string, inputs: Iterable<string> }} image Its name, and the files that were bundled for it, from the root.
 * @throws {Error} if the schema refuses the bill.
 */
export async function writeSbom(file, { name, inputs }) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const image = new Models.Component(Enums.ComponentType.Container, name, { version, bomRef: name });
  const components = manifestsOf(inputs).map(componentOf);
  for (const { bomRef } of components) image.dependencies.add(bomRef);
  await write(file, image, components);
}

/**
 * Writes the bill of a package, checked against the schema of CycloneDX.
 * @param {string} file
 * @param {import('../pack/installed.mjs').Installed[]} installed The package, and all that it brings.
 * @throws {Error} if the schema refuses the bill.
 */
export async function writePackageSbom(file, installed) {
  const components = new Map(installed.map((one) => [one, componentOf(one.manifest)]));
  for (const [{ brings }, { dependencies }] of components)
    for (const one of brings) dependencies.add(components.get(one).bomRef);
  const [first, ...others] = components.values();
  await write(file, first, others);
}

async function write(file, subject, components) {
  const bill = new Models.Bom();
  bill.metadata.component = subject;
  for (const component of components) bill.components.add(component);
  const text = textOf(bill);
  const faults = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (faults !== null)
    throw new Error(`the bill of materials of ${subject.name} is invalid: ${JSON.stringify(faults)}`);
  writeFileSync(file, text);
}

function textOf(bill) {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bill, { sortLists: true, space: 1 })}\n`;
}

/** The manifests of the packages that the files belong to, by folder. */
function manifestsOf(inputs) {
  const manifests = new Map();
  for (const input of inputs) {
    const folder = packageOf(path.resolve(root, path.dirname(input)));
    if (folder !== undefined && !manifests.has(folder)) {
      manifests.set(folder, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')));
    }
  }
  return [...manifests.values()];
}

/** The folder of the package that a folder belongs to. A package may have manifests without a version in its folders. */
function packageOf(folder) {
  for (let at = folder; at.startsWith(root) && at !== root; at = path.dirname(at)) {
    const manifest = path.join(at, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
    if (name !== undefined && version !== undefined) return at;
  }
  return undefined;
}

function componentOf({ name, version, license, description }) {
  const [group, plain] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const component = new Models.Component(Enums.ComponentType.Library, plain, {
    group,
    version,
    description,
    purl,
    bomRef: purl,
  });
  if (typeof license === 'string') component.licenses.add(licences.makeFromString(license));
  return component;
}
