/** The folder that holds what one system keeps: the database, the logs and the passwords. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes the folder if it is absent.
 * @param {string} data
 * @throws {Error} with one line when this user can't keep anything there.
 */
export function requireUsable(data) {
  const otherwise = 'choose another folder: npm start -- --data DIR';
  try {
    mkdirSync(data, { recursive: true });
    accessSync(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`${data} can't be written to (${error.code}); ${otherwise}`, { cause: error });
  }
  // A start as root before this one, or after: PostgreSQL would not be let into its own files.
  const owner = statSync(path.join(data, 'postgres'), { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && owner !== process.getuid?.()) {
    throw new Error(`${data} belongs to another user (id ${owner}): start it as that user, or ${otherwise}`);
  }
}
