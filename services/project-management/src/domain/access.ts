import { type DomainError, NotPermitted, OutOfSight } from '@rondo/resources/domain';

/** The scope of an administrator, who sees and changes everything. */
export const ADMIN_SCOPE = 'projects.admin';

/** A person or a program, and what it may do. */
export interface Principal {
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** What a principal sees: the projects of all teams, of one, or none, because it is no member. */
export type Access =
  | { readonly kind: 'all' }
  | { readonly kind: 'team'; readonly team: string }
  | { readonly kind: 'none' };

/** Whether a principal is an administrator. */
export function isAdmin({ scopes }: Principal): boolean {
  return scopes.includes(ADMIN_SCOPE);
}

/** What a principal sees. `team` is that of the member who is the principal; undefined if there is none. */
export function accessOf(principal: Principal, team: string | undefined): Access {
  if (isAdmin(principal)) return { kind: 'all' };
  return team === undefined ? { kind: 'none' } : { kind: 'team', team };
}

/** Whether a project of the team is seen. */
export function sees(access: Access, team: string): boolean {
  return access.kind === 'all' || (access.kind === 'team' && access.team === team);
}

/** The value of `ListQuery.sight`. */
export function sightOf(access: Access): string | null | undefined {
  if (access.kind === 'all') return undefined;
  return access.kind === 'none' ? null : access.team;
}

/**
 * Checks that the principal sees the project that a resource belongs to.
 *
 * @param team the project's; undefined if there is none.
 * @param missing the error if there is none.
 * @throws `missing`, or OutOfSight with it.
 */
export function requireInSight(access: Access, team: string | undefined, missing: DomainError): void {
  if (access.kind === 'all') return;
  if (team === undefined) throw missing;
  if (!sees(access, team)) throw new OutOfSight(missing);
}

/** Checks that a project may belong to the team. @throws NotPermitted */
export function requireMayUse(access: Access, project: string, team: string): void {
  if (!sees(access, team)) throw new NotPermitted(project, 'the team of a project', ADMIN_SCOPE);
}

/** Checks that the principal may change members. @throws NotPermitted */
export function requireMayChangeMembers(principal: Principal, member: string): void {
  if (!isAdmin(principal)) throw new NotPermitted(member, 'a member', ADMIN_SCOPE);
}
