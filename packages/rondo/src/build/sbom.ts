/**
 * Software bills of materials (CycloneDX 1.6): which packages are in the bundles of an image, or come with a package, with versions and
 * licences. The base image isn't in them: its publisher describes it.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { readJson } from '../workspace/files.js';
import { root } from '../workspace/paths.js';

/** The package has no types. */
const spdx: (licence: string) => object = createRequire(import.meta.url)('spdx-expression-parse');
const licences = new Contrib.License.Factories.LicenseFactory(spdx);

/** What a bill has of the manifest of a package. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly description?: string;
}

/** Writes the bill of an image, as {@link writeSbom} does. `inputs` are the files that were bundled for it, from the root. */
export async function writeImageSbom(file: string, name: string, inputs: readonly string[]): Promise<void> {
  const { version } = readJson(path.join(root, 'package.json'));
  const image = new Models.Component(Enums.ComponentType.Container, name, { version, bomRef: name });
  const components = manifestsOf(inputs).map(componentOf);
  for (const { bomRef } of components) image.dependencies.add(bomRef);
  await writeSbom(file, image, components);
}

/**
 * Writes the bill of what `subject` is, checked against the schema of CycloneDX.
 *
 * @throws Error if the schema refuses the bill.
 */
export async function writeSbom(
  file: string,
  subject: Models.Component,
  components: readonly Models.Component[],
): Promise<void> {
  const bill = new Models.Bom();
  bill.metadata.component = subject;
  for (const component of components) bill.components.add(component);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const text = `${serializer.serialize(bill, { sortLists: true, space: 1 })}\n`;
  const faults = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (faults !== null)
    throw new Error(`the bill of materials of ${subject.name} is invalid: ${JSON.stringify(faults)}`);
  writeFileSync(file, text);
}

/** The manifests of the packages that the files belong to, by folder. */
function manifestsOf(inputs: readonly string[]): readonly Manifest[] {
  const manifests = new Map<string, Manifest>();
  for (const input of inputs) {
    const folder = packageOf(path.resolve(root, path.dirname(input)));
    if (folder !== undefined && !manifests.has(folder)) {
      manifests.set(folder, readJson(path.join(folder, 'package.json')));
    }
  }
  return [...manifests.values()];
}

/** The folder of the package that a folder belongs to. A package may have manifests without a version in its folders. */
function packageOf(folder: string): string | undefined {
  for (let at = folder; at.startsWith(root) && at !== root; at = path.dirname(at)) {
    const manifest = path.join(at, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version } = readJson(manifest);
    if (name !== undefined && version !== undefined) return at;
  }
  return undefined;
}

/** A package as a part of a bill. */
export function componentOf({ name, version, license, description }: Manifest): Models.Component {
  const [plain = name, group] = name.split('/').reverse();
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const named = { group, version, description, purl, bomRef: purl };
  const component = new Models.Component(Enums.ComponentType.Library, plain, named);
  if (typeof license === 'string') component.licenses.add(licences.makeFromString(license));
  return component;
}
