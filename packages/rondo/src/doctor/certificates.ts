import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lifeUsed } from '@rondo/rpc/internal';
import { messageOf } from '../workspace/errors.js';
import { type Finding, fail, type Outcome, ok, warn } from './finding.js';

/** From this part of its life on, a certificate is due for renewal. */
const RENEW_AFTER = 2 / 3;

/** Examines the certificates that `rondo certs` has made in a data folder; nothing if there are none. */
export function examineCertificates(data: string, now: Date, dataFlag = ''): readonly Finding[] {
  const folder = path.join(data, 'certs');
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name, 'tls.crt')) : [];
  const found = files.filter((file) => existsSync(file));
  return found.length === 0 ? [] : [{ name: 'certificates', ...judge(found, now, `./rondo certs${dataFlag}`) }];
}

function judge(files: readonly string[], now: Date, remedy: string): Outcome {
  const [expired, due]: [string[], string[]] = [[], []];
  let next: Date | undefined;
  for (const file of files) {
    try {
      const certificate = new X509Certificate(readFileSync(file));
      const [validFrom, validTo] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
      if (validTo <= now) expired.push(`${file} has expired on ${validTo.toISOString()}`);
      else if (lifeUsed({ validFrom, validTo }, now) >= RENEW_AFTER)
        due.push(`${file} expires on ${validTo.toISOString()}`);
      if (next === undefined || validTo < next) next = validTo;
    } catch (error) {
      expired.push(`${file} can't be read: ${messageOf(error)}`);
    }
  }
  if (expired.length > 0) return fail(expired.join('; '), remedy);
  if (due.length > 0) return warn(due.join('; '), remedy);
  return ok(`${files.length} of rondo certs, the next expires on ${next?.toISOString()}`);
}
