import type { Member } from '../domain/member.js';
import type { Ports } from '../domain/ports.js';
import { foundMember } from './found.js';

/** One member. @throws NotFound. */
export async function getMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.find(id), id);
}
