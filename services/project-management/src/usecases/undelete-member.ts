import type { Member } from '../domain/member.js';
import type { Ports } from '../domain/ports.js';
import { foundMember } from './found.js';

/** Brings a deleted member back. @throws NotFound, EmailTaken. */
export async function undeleteMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.restore(id), id);
}
