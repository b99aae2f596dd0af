import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, SignJWT } from 'jose';

/** The issuer and the audience of tokens for development. */
export const DEVELOPMENT = { issuer: 'rondo-development', audience: 'rondo' } as const;

const [KEY, KEYS, API_KEYS] = ['issuer.key', 'jwks.json', 'keys.json'];
const ALGORITHM = 'ES256';
const KEY_ID = 'development';

/** The files of a development issuer. */
export interface DevelopmentIssuer {
  /** The URL of its public keys. */
  readonly jwks: string;
  /** The file of API keys. */
  readonly apiKeys: string;
}

/** The files in the folder of a development issuer. They needn't exist. */
export function developmentFiles(folder: string): DevelopmentIssuer {
  return { jwks: pathToFileURL(path.join(folder, KEYS)).href, apiKeys: path.join(folder, API_KEYS) };
}

/** Makes the key of the development issuer if the folder has none. Only its user can read it. */
export async function prepareDevelopmentIssuer(folder: string): Promise<DevelopmentIssuer> {
  const key = path.join(folder, KEY);
  if (!existsSync(key) || !existsSync(path.join(folder, KEYS))) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' };
    writeFileSync(key, await exportPKCS8(privateKey), { mode: 0o600 });
    writeFileSync(path.join(folder, KEYS), `${JSON.stringify({ keys: [jwk] })}\n`, { mode: 0o644 });
  }
  return developmentFiles(folder);
}

/** What a token for development says. */
export interface DevelopmentClaims {
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly now: Date;
  readonly lifeMs: number;
}

/**
 * Issues a token by the development issuer of a folder.
 *
 * @throws Error if the folder has none.
 */
export async function issueDevelopmentToken(
  folder: string,
  { subject, scopes, now, lifeMs }: DevelopmentClaims,
): Promise<string> {
  const file = path.join(folder, KEY);
  if (!existsSync(file)) throw new Error(`there is no development issuer in ${folder}: npm start -- --auth makes one`);
  const key = await importPKCS8(readFileSync(file, 'utf8'), ALGORITHM);
  return new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID, typ: 'at+jwt' })
    .setIssuer(DEVELOPMENT.issuer)
    .setAudience(DEVELOPMENT.audience)
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(new Date(now.getTime() + lifeMs))
    .sign(key);
}
