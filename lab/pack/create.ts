/** `npm run create -- FOLDER`: begins an app of one's own, with the packages of this clone. */
import { root, step } from '@rondo/tool/workspace';
import { createApp, readArguments, USAGE } from 'create-rondo';
import { pack } from './pack.js';
import { pinnedVersions } from './stage.js';

/** Its arguments are those of `npm create rondo`. */
export async function main(args: string[]): Promise<number> {
  try {
    const given = await readArguments(args);
    if (given === undefined) {
      console.log(USAGE.replace('npm create rondo', 'npm run create --').replace(' -- [', ' ['));
      return 0;
    }
    let tarballs: string[] = [];
    await step('pack', async () => {
      tarballs = (await pack()).map(({ file }) => file);
      return { code: 0 };
    });
    createApp({ ...given, samples: root, tarballs, versions: pinnedVersions(), tell: (line) => console.log(line) });
    return 0;
  } catch (error) {
    console.error(`npm run create: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}
