/** `npm run create -- FOLDER`: begins an app of one's own, with the packages of this clone. */
import { build } from '../build/build.js';
import { root } from '../workspace/paths.js';
import { step } from '../workspace/steps.js';
import { pack } from './pack.mjs';
import { pinnedVersions } from './pinned-versions.mjs';

/**
 * @param {string[]} args Those of `npm create rondo`.
 * @returns {Promise<number>}
 */
export async function main(args) {
  if (!(await build())) return 1;
  const { createApp, readArguments, USAGE } = await import('create-rondo');
  try {
    const given = await readArguments(args);
    if (given === undefined) {
      console.log(USAGE.replace('npm create rondo', 'npm run create --').replace(' -- [', ' ['));
      return 0;
    }
    let tarballs = [];
    await step('pack', async () => {
      tarballs = (await pack()).map(({ file }) => file);
      return { code: 0 };
    });
    createApp({ ...given, samples: root, tarballs, versions: pinnedVersions(), tell: (line) => console.log(line) });
    return 0;
  } catch (error) {
    console.error(`npm run create: ${error.message}`);
    return 1;
  }
}
